"""The options of an endpoint's judge, as they stand in the configuration."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

from annotated_types import Ge, Gt, Le

from agent.errors import ConfigError
from agent.judges.chat import Chat, Kind
from agent.judges.criteria import PASSES_FROM, Criterion
from agent.judges.kinds import PRODUCTS, criteria_of, installed
from agent.judges.spend import Limits, Price
from agent.judges.task import Item, messages
from agent.secret import Secret

LIVE = ("coherence", "fluency", "groundedness", "relevance")
"""What can be judged without an expected answer."""

_PROMPT_TOKENS = 1_200
"""Tokens of a usual prompt of a judge, for the estimate that is told before the first call."""
_OUTPUT_TOKENS = 50


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """A model that scores sampled answers from 1 to 5. It is sent redacted texts."""

    url: str
    """`https://NAME.openai.azure.com`, or what stands before `/chat/completions` elsewhere, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """The deployment (Azure) or model."""
    kind: Kind = "driftline"
    """Whose questions it is asked: driftline's own, or the evaluators of azure-ai-evaluation or Evidently, run in a process of their own."""
    key: Secret | None = None
    """API key. Left out: Azure's managed identity where the address is Azure's, else none is sent."""
    api_version: str | None = None
    """Of Azure's dated API; left out: its `v1` API."""
    timeout: Annotated[float, Gt(0)] = 60.0
    """Seconds for one call."""
    evaluators: tuple[str, ...] = LIVE
    """What is judged: coherence, fluency, groundedness (where there is context), relevance; other kinds have others, see docs/judges.md."""
    calls: Annotated[int, Ge(1)] = 50
    """Answers of a window that are judged, for each deployment."""
    tokens_a_day: Annotated[int, Ge(1)] = 1_000_000
    """Tokens a day (UTC) at most, prompts and answers together."""
    money_a_day: Annotated[float, Gt(0)] | None = None
    """Money a day at most, by the prices below, in the configuration's currency; left out: tokens alone bound it."""
    price_input: Annotated[float, Ge(0)] = 0.0
    """Price of a million tokens of prompts."""
    price_output: Annotated[float, Ge(0)] = 0.0
    """Price of a million tokens of answers."""
    passes_from: Annotated[float, Ge(1), Le(5)] = PASSES_FROM
    """Score from which an answer passes."""
    events: Annotated[int, Ge(0)] = 200
    """Verdicts of a window, for each deployment, that are told as events `gen_ai.evaluation.result`, linked to their traces; 0: none."""
    reasons: bool = False
    """Put the judge's reason in these events, redacted. Reasons quote what they are about, so it needs `content: sampled`."""

    @property
    def chat(self) -> Chat:
        """The model that is asked."""
        return Chat(self.url, self.model, self.key, self.api_version, self.timeout, self.kind)

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What it is asked for."""
        known = criteria_of(self.kind)
        return tuple(known[name] for name in self.evaluators)

    @property
    def rater(self) -> str:
        """Which judge this is, and what it is asked: other addresses, models or questions are another judge."""
        own = messages(Item("question", "answer", "context"), self.criteria) if self.kind == "driftline" else []
        asked = [one["content"] for one in own] or [self.kind, installed(self.kind), *sorted(self.evaluators)]
        digest = blake2b("\0".join((self.url, self.model, *asked)).encode(), digest_size=6).hexdigest()
        return f"{self.model}/{digest}"

    @property
    def price(self) -> Price:
        """What tokens cost."""
        return Price(self.price_input, self.price_output)

    @property
    def limits(self) -> Limits:
        """What a day may take."""
        return Limits(self.tokens_a_day, self.money_a_day)

    def check(self) -> None:
        """Raise ConfigError for an address, an evaluator or a limit that cannot be used."""
        self.chat.check()
        live = [name for name, one in criteria_of(self.kind).items() if "truth" not in one.needs]
        unknown = sorted(set(self.evaluators) - set(live))
        if unknown or not self.evaluators:
            raise ConfigError(f"evaluators: {', '.join(unknown) or 'none'} cannot be judged on live traffic; choose of {', '.join(live)}")
        installed(self.kind)
        if self.money_a_day is not None and not (self.price_input or self.price_output):
            raise ConfigError("money_a_day: bounds nothing without prices; add price_input and price_output, or leave it out")

    def estimate(self, windows_a_day: float, deployments: int = 1) -> tuple[int, float]:
        """Return tokens and money a day takes as a rule, before limits.

        >>> JudgeOptions("http://127.0.0.1/v1", "m", price_input=1.0).estimate(96)
        (6720000, 5.76)
        """
        calls = self.calls * windows_a_day * deployments
        written = calls * _OUTPUT_TOKENS * len(self.evaluators)
        read = calls * (PRODUCTS[self.kind].prompt_tokens * len(self.evaluators) if self.kind in PRODUCTS else _PROMPT_TOKENS)
        return int(read + written), self.price.of(int(read), int(written))
