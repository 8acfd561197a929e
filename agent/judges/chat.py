"""Chat completions over HTTP, of Azure OpenAI or whatever speaks as OpenAI does: one question, one bounded answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import orjson

from agent.address import is_loopback
from agent.errors import ConfigError, DriftlineError
from agent.judges.abilities import Abilities
from agent.posting import client, host_of
from agent.secret import Secret

Kind = Literal["driftline", "azure_ai_evaluation", "evidently"]
"""Whose questions a judge is asked."""

Why = Literal[
    "throttled", "timeout", "unreachable", "server", "auth", "not_found", "filtered", "refused", "too_long", "unreadable", "unfit"
]

_MOST_BYTES = 1_048_576
"""Of an answer; what is longer is nothing a judge should say."""
_SCOPE = "https://cognitiveservices.azure.com/.default"
_TRIES = 5
"""Requests until a deployment took the parameters of one; each leaves one out that it refused."""


class Unanswered(DriftlineError):
    """No answer, and why; `retry_after` in seconds where the other side said so."""

    exit_code = 4

    def __init__(self, message: str, why: Why, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.why = why
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether the same question may be answered later."""
        return self.why in {"throttled", "timeout", "unreachable", "server"}


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
            token = _entra()
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
                raise _fault(status, answer, retry_after)
            self.abilities = less
        raise Unanswered("the model takes none of the parameters", "refused")

    def close(self) -> None:
        """Let go of connections."""
        self.opened.close()

    def _post(self, body: bytes) -> tuple[int, bytes, float | None]:
        import httpx  # noqa: PLC0415 - only where a model is asked

        headers = {"Content-Type": "application/json", **self._signed()}
        try:
            with self.opened.stream("POST", self.options.address, content=body, headers=headers) as response:
                read = b""
                for part in response.iter_bytes():
                    read += part
                    if len(read) > _MOST_BYTES:
                        raise Unanswered("the answer is longer than 1 MiB", "too_long")
                return response.status_code, read, _pause(response.headers)
        except httpx.TimeoutException:
            raise Unanswered(f"no answer within {self.options.timeout:g} s", "timeout") from None
        except httpx.HTTPError as error:
            raise Unanswered(f"cannot be reached: {type(error).__name__}", "unreachable") from None

    def _signed(self) -> dict[str, str]:
        if self.options.key is not None:
            return {"api-key": str(self.options.key)} if self.options.is_azure else {"Authorization": f"Bearer {self.options.key}"}
        if self.token is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self.token()}"}
        except Exception as error:  # noqa: BLE001 - whatever the identity library raises, there is no token
            raise Unanswered(f"no Entra token: {type(error).__name__}", "auth") from None


def _entra() -> Callable[[], str]:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 10 MB, only where no key is given

    credential = DefaultAzureCredential()
    return lambda: credential.get_token(_SCOPE).token


def _pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the headers ask for."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if 0 <= seconds < 86_400:
            return seconds
    return None


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


def _fault(status: int, body: bytes, retry_after: float | None) -> Unanswered:
    """Return why there is no answer; what the other side wrote is not repeated, it may hold the question."""
    if status == 429:
        return Unanswered("throttled", "throttled", retry_after)
    if status >= 500 or status == 408:
        return Unanswered(f"answered {status}", "server", retry_after)
    if status in {401, 403}:
        return Unanswered(f"answered {status}: check the key, or the role of the identity", "auth")
    if status == 404:
        return Unanswered("answered 404: check url, model and api_version", "not_found")
    if b"content_filter" in body or b"content management policy" in body:
        return Unanswered("the question was filtered", "filtered")
    return Unanswered(f"answered {status}", "refused")
