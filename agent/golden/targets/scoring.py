"""Targets that take JSON of their own form: online endpoints of Azure ML, and Databricks Model Serving."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from annotated_types import Ge

from agent.address import is_loopback
from agent.errors import ConfigError
from agent.golden.pair import Pair
from agent.golden.targets import CANARY, Opened, Reply
from agent.golden.targets.chat import Seconds
from agent.judges.chat import Unanswered
from agent.posting import client, host_of
from agent.secret import Secret

_MOST_BYTES = 4 * 2**20
_PLACES = re.compile(r"\{(question|context)\}")
_LATER = {408, 424, 425, 429}
"""Azure ML answers 424 where the model behind it failed, and 429 where it has too many requests."""
_AZURE_ML, _DATABRICKS = "https://ml.azure.com/.default", "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default"
"""Scopes of Entra tokens."""


@dataclass(frozen=True, slots=True)
class Azureml:
    """An online endpoint of Azure ML; as it stands, one of prompt flow."""

    url: str
    """Its scoring address, `https://NAME.REGION.inference.ml.azure.com/score`."""
    key: Secret | None = None
    """Its key, as `${env:NAME}`; left out: the agent's Azure identity."""
    deployment: str | None = None
    """The deployment to ask; left out: as the endpoint shares its traffic out."""
    body: Mapping[str, Any] = field(default_factory=lambda: {"question": "{question}", "chat_history": []})
    """What is sent: `{question}`, `{context}` and `{messages}` stand for the pair's."""
    answer: str = "answer"
    """Where the answer stands in what comes back, such as `output.text` or `choices.0.message.content`."""
    max_tokens: Annotated[int, Ge(1)] = 1024
    """Tokens an answer is taken to have for the budget, where the endpoint does not say."""
    timeout: Seconds = 60.0
    """Seconds for one answer."""

    @property
    def name(self) -> str:
        """The deployment, as far as it is known."""
        return self.deployment or "default"

    @property
    def most(self) -> int:
        """Tokens an answer may take."""
        return self.max_tokens

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        _check(self.url, self.key)

    def open(self, transport: Any = None) -> Opened:
        """Return a connection."""
        extra = {} if self.deployment is None else {"azureml-model-deployment": self.deployment}
        return _opened(self, transport, self.body, self.answer, extra, _AZURE_ML)


@dataclass(frozen=True, slots=True)
class Databricks:
    """An endpoint of Databricks Model Serving; as it stands, one that takes chat messages."""

    url: str
    """`https://WORKSPACE.azuredatabricks.net/serving-endpoints/NAME/invocations`."""
    key: Secret | None = None
    """A token, as `${env:NAME}`; left out: the agent's Azure identity."""
    deployment: str = "default"
    """What its answers are counted under."""
    body: Mapping[str, Any] = field(default_factory=lambda: {"messages": "{messages}"})
    """What is sent; for a model of your own `{dataframe_records: [{question: "{question}"}]}`."""
    answer: str = "choices.0.message.content"
    """Where the answer stands in what comes back; for a model of your own `predictions.0`."""
    max_tokens: Annotated[int, Ge(1)] = 1024
    """Tokens an answer is taken to have for the budget, where the endpoint does not say."""
    timeout: Seconds = 60.0
    """Seconds for one answer."""

    @property
    def name(self) -> str:
        """What its answers are counted under."""
        return self.deployment

    @property
    def most(self) -> int:
        """Tokens an answer may take."""
        return self.max_tokens

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        _check(self.url, self.key)

    def open(self, transport: Any = None) -> Opened:
        """Return a connection."""
        return _opened(self, transport, self.body, self.answer, {}, _DATABRICKS)


def _check(url: str, key: Secret | None) -> None:
    host = host_of(url)
    if key is not None and urlsplit(url).scheme != "https" and not is_loopback(host):
        raise ConfigError("url: must start with https://, or the key is sent in the clear")


def _opened(
    target: Azureml | Databricks, transport: Any, body: Mapping[str, Any], answer: str, extra: Mapping[str, str], scope: str
) -> Opened:
    target.check()
    opened = client(target.timeout, transport)
    opened.headers.update({"Content-Type": "application/json", **CANARY, **extra})
    token: Callable[[], str] | None = None
    if target.key is not None:
        opened.headers["Authorization"] = f"Bearer {target.key}"
    elif not is_loopback(host_of(target.url)):
        token = _entra(scope)
    return _Opened(opened, target.url, body, tuple(answer.split(".")), token, target.timeout)


def _entra(scope: str) -> Callable[[], str]:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 10 MB, only where no key is given

    credential = DefaultAzureCredential(exclude_interactive_browser_credential=True)
    return lambda: credential.get_token(scope).token


@dataclass(frozen=True, slots=True)
class _Opened:
    opened: Any
    url: str
    body: Mapping[str, Any]
    where: tuple[str, ...]
    token: Callable[[], str] | None
    timeout: float

    def ask(self, pair: Pair) -> Reply:
        """Put a question."""
        status, headers, answer = self._post(orjson.dumps(filled(self.body, pair)))
        if status >= 300:
            raise _fault(status, headers, answer)
        try:
            document = orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise Unanswered("the answer is no JSON", "unreadable") from None
        text = found(document, self.where)
        if not isinstance(text, str | int | float) or isinstance(text, bool):
            raise Unanswered(f"the answer has no text at {'.'.join(self.where)}", "unreadable")
        usage = document.get("usage") if isinstance(document, dict) else None
        usage, said = usage if isinstance(usage, dict) else {}, document if isinstance(document, dict) else {}
        finish = found(document, ("choices", "0", "finish_reason"))
        if finish == "content_filter":
            raise Unanswered("the answer was filtered", "filtered")
        read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
        return Reply(
            str(text),
            finish if isinstance(finish, str) else "",
            _short(said.get("model")),
            _short(said.get("system_fingerprint")),
            _short(headers.get("azureml-model-deployment", "")),
            read if isinstance(read, int) else None,
            written if isinstance(written, int) else None,
        )

    def close(self) -> None:
        """Let go of connections."""
        self.opened.close()

    def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        import httpx  # noqa: PLC0415 - only where something is asked

        signed = {}
        if self.token is not None:
            try:
                signed = {"Authorization": f"Bearer {self.token()}"}
            except Exception as error:  # noqa: BLE001 - whatever the identity library raises, there is no token
                raise Unanswered(f"no Entra token: {type(error).__name__}", "auth") from None
        end = monotonic() + self.timeout
        try:
            with self.opened.stream("POST", self.url, content=body, headers=signed) as response:
                read = b""
                for part in response.iter_bytes():
                    read += part
                    if len(read) > _MOST_BYTES:
                        raise Unanswered("the answer is longer than 4 MiB", "too_long")
                    if monotonic() > end:
                        raise Unanswered(f"no whole answer within {self.timeout:g} s", "timeout")
                return response.status_code, response.headers, read
        except httpx.TimeoutException:
            raise Unanswered(f"no answer within {self.timeout:g} s", "timeout") from None
        except httpx.HTTPError as error:
            raise Unanswered(f"cannot be reached: {type(error).__name__}", "unreachable") from None


def filled(form: Any, pair: Pair) -> Any:
    """Return a body with the pair's texts in place of their names.

    >>> filled({"inputs": ["{question}"], "n": 1}, Pair("a", 1, "Where?"))
    {'inputs': ['Where?'], 'n': 1}
    """
    if isinstance(form, Mapping):
        return {str(name): filled(item, pair) for name, item in form.items()}
    if isinstance(form, list | tuple):
        return [filled(item, pair) for item in form]
    if form == "{messages}":
        return [{"role": role, "content": text} for role, text in pair.conversation]
    if isinstance(form, str):
        # In one pass: a question that holds a name in braces is no form.
        return _PLACES.sub(lambda place: pair.question if place[1] == "question" else pair.context, form)
    return form


def found(document: Any, where: tuple[str, ...]) -> Any:
    """Return what stands at a place, None where there is no such place.

    >>> found({"predictions": ["yes"]}, ("predictions", "0"))
    'yes'
    """
    for step in where:
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _short(value: Any) -> str:
    return value[:100] if isinstance(value, str) else ""


def _fault(status: int, headers: Mapping[str, str], body: bytes) -> Unanswered:
    """Return why there is no answer; what the other side wrote is not repeated, it may hold the question."""
    asked = headers.get("retry-after", "")
    pause = float(asked) if asked.isascii() and asked.isdigit() else None
    if status == 429:
        return Unanswered("throttled", "throttled", pause)
    if status < 500 and (b"content_filter" in body or b"content management policy" in body):
        return Unanswered("the question was filtered", "filtered")
    if status >= 500 or status in _LATER:
        return Unanswered(f"answered {status}", "server", pause)
    if status in {401, 403}:
        return Unanswered(f"answered {status}: check the key, or the role of the identity", "auth")
    if status == 404:
        return Unanswered("answered 404: check the url", "not_found")
    return Unanswered(f"answered {status}: check body", "refused")
