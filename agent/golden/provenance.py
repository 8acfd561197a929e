"""Where a pair comes from: people must have written it. A model that is asked what a model wrote is only asked to agree."""

import re

_MODELS = (
    r"chat ?gpt\b", r"gpt(?:[- ]?\d\w*)?\b", r"o[134](?:[- ](?:mini|preview|pro))\b", r"claude\b", r"gemini\b", r"gemma\b", r"llama\b", r"mistral\b", r"mixtral\b", r"copilot\b",
    r"deepseek\b", r"qwen\b", r"phi[- ]\d", r"grok\b", r"command[- ]r\b", r"llms?\b", r"language models?\b", r"ai[- ](?:generated|written|made)\b", r"genai\b",
)  # fmt: skip
_WAYS = (
    r"synthetic\b",
    r"synthesi[sz]ed\b",
    r"(?:machine|model|auto(?:matically)?)[- ]?(?:generated|written|made)\b",
    r"generated\b",
    r"self[- ]instruct\b",
)
_MACHINE = re.compile(r"(?<![a-z0-9])(?:" + "|".join((*_MODELS, *_WAYS)) + ")", re.IGNORECASE)
_YES = {"true", "yes", "1"}


def machine_written(source: str, generated: object = None) -> str | None:
    """Return what says that a model wrote a pair, or None.

    >>> machine_written("support-ticket-1832"), machine_written("written by gpt-4o"), machine_written("human", generated=True)
    (None, 'gpt-4o', 'generated: true')
    """
    if generated is True or (isinstance(generated, str) and generated.strip().lower() in _YES):
        return "generated: true"
    found = _MACHINE.search(source.replace("_", "-"))
    return found[0] if found else None
