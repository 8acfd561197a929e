"""Chat completions over HTTP, of Azure OpenAI or whatever speaks as OpenAI does: one question, one bounded answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import orjson

from agent.address import is_loopback
from agent.errors import ConfigError
from agent.judges.abilities import Abilities
from agent.judges.wire import Unanswered as Unanswered  # noqa: PLC0414 - what asking raises is known from here
from agent.judges.wire import entra, fault, posted, signed
from agent.posting import client, host_of
from agent.secret import Secret

Kind = Literal["driftline", "azure_ai_evaluation", "evidently"]
"""Whose questions a judge is asked."""

_TRIES = 5
"""Requests until a deployment took the parameters of one; each leaves one out that it refused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    text: str
    finish_reason: str
    model: str
    fingerprint: str
    read: int | None
    """Tokens of the question as billed; None: not said."""
    written: int | None
    """Tokens of the answer as billed."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Options of a model that is asked."""

    url: str
    """`https://NAME.openai.azure.com`, or what stands before `/chat/completions` elsewhere, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """The deployment (Azure) or model."""
    key: Secret | None = None
    """API key. Left out: Azure's managed identity where the address is Azure's, else none is sent."""
    api_version: str | None = None
    """Of Azure's dated API; left out: its `v1` API."""
    timeout: float = 60.0
    """Seconds for one question."""
    kind: Kind = "driftline"
    """Whose questions it is asked: driftline's own, all in one; or those of `azure_ai_evaluation`, one for each evaluator."""

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        host = host_of(self.url)
        if self.key is not None and urlsplit(self.url).scheme != "https" and not is_loopback(host):
            raise ConfigError("url: must start with https://, or the key is sent in the clear")
        if urlsplit(self.url).query:
            raise ConfigError("url: ends before the '?'; the version of the API is api_version")

    @property
    def is_azure(self) -> bool:
        """Whether the address, or a version of its API, says Azure."""
        host = urlsplit(self.url).hostname or ""
        return self.api_version is not None or host.endswith(
            (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
        )

    @property
    def address(self) -> str:
        """Where questions go.

        >>> Chat("https://a.openai.azure.com", "judge", api_version="2024-10-21").address
        'https://a.openai.azure.com/openai/deployments/judge/chat/completions?api-version=2024-10-21'
        >>> Chat("https://a.openai.azure.com/", "judge").address, Chat("http://127.0.0.1:8000/v1", "m").address
        ('https://a.openai.azure.com/openai/v1/chat/completions', 'http://127.0.0.1:8000/v1/chat/completions')
        """
        base = self.url.rstrip("/")
        if not self.is_azure:
            return f"{base}/chat/completions"
        base = base.removesuffix("/openai/v1").removesuffix("/openai")
        if self.api_version is None:
            return f"{base}/openai/v1/chat/completions"
        return f"{base}/openai/deployments/{quote(self.model, safe='')}/chat/completions?api-version={quote(self.api_version, safe='')}"

    def open(self, transport: Any = None, token: Callable[[], str] | None = None) -> "Asking":
        """Return what asks; `transport` is an httpx transport and `token` gives an Entra token, for tests."""
        self.check()
        if self.key is None and token is None and self.is_azure:
            token = entra()
        return Asking(self, client(self.timeout, transport), token)


@dataclass(slots=True)
class Asking:
    """Asks one model. Used from one thread at a time."""

    options: Chat
    opened: Any
    token: Callable[[], str] | None
    abilities: Abilities = field(default_factory=Abilities)

    def ask(self, messages: Sequence[Mapping[str, str]], most: int, schema: Mapping[str, Any] | None = None) -> Answer:
        """Return the answer of at most `most` tokens, in the form of a JSON `schema` where one is given. Raises Unanswered."""
        for _ in range(_TRIES):
            body = {"model": self.options.model, "messages": list(messages), **self.abilities.parameters(most, schema)}
            status, answer, retry_after = self._post(orjson.dumps(body))
            if status < 300:
                return _answer(answer)
            less = self.abilities.without(status, answer)
            if less is None:
                raise fault(status, answer, retry_after, where="url, model and api_version")
            self.abilities = less
        raise Unanswered("the model takes none of the parameters", "refused")

    def close(self) -> None:
        """Let go of connections."""
        self.opened.close()

    def _post(self, body: bytes) -> tuple[int, bytes, float | None]:
        headers = {"Content-Type": "application/json", **self._signed()}
        return posted(self.opened, self.options.address, body, headers, self.options.timeout)

    def _signed(self) -> dict[str, str]:
        if self.options.key is None:
            return signed(self.token)
        return {"api-key": str(self.options.key)} if self.options.is_azure else {"Authorization": f"Bearer {self.options.key}"}


def _answer(body: bytes) -> Answer:
    try:
        document = orjson.loads(body)
        choice = document["choices"][0]
        message = choice.get("message") or {}
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        raise Unanswered("the answer is no chat completion", "unreadable") from None
    finish = str(choice.get("finish_reason") or "")
    if finish == "content_filter":
        raise Unanswered("the answer was filtered", "filtered")
    if message.get("refusal"):
        raise Unanswered("the model refused", "refused")
    usage = document.get("usage") or {}
    content = message.get("content")
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Answer(
        content if isinstance(content, str) else "",
        finish,
        str(document.get("model") or ""),
        str(document.get("system_fingerprint") or ""),
        read if isinstance(read, int) else None,
        written if isinstance(written, int) else None,
    )
