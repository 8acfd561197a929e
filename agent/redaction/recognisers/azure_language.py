"""Personal data as Azure AI Language recognises it, over its REST API (analyze-text, PiiEntityRecognition)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from annotated_types import Ge, Gt, Le

from agent.address import is_loopback
from agent.errors import ConfigError, Permanent, Transient
from agent.posting import client, host_of
from agent.secret import Secret

_VERSION = "2023-04-01"
_SCOPE = "https://cognitiveservices.azure.com/.default"
_PIECE, _SHARED = 5_000, 250
"""Characters of a document (the service takes 5,120), and how many the next one repeats, so that no name falls between both."""
_AT_ONCE = 5
"""Documents of a request."""
_MOST_BYTES = 1_048_576
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class AzureLanguage:
    """Sends texts to a Language resource of your own, which then reads them: see where its region is."""

    url: str
    """`https://NAME.cognitiveservices.azure.com`."""
    key: Secret | None = None
    """Key of the resource. Left out: Azure's managed identity, with the role Cognitive Services User."""
    language: str = "en"
    """Language of the texts, as the service names it."""
    categories: tuple[str, ...] = ()
    """Categories to look for, as the service names them, such as `Person`; none: all of its default ones."""
    confidence: Annotated[float, Ge(0), Le(1)] = 0.5
    """What the service is less sure of stays."""
    timeout: Annotated[float, Gt(0)] = 10.0
    """Seconds for one request."""

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        host = host_of(self.url)
        if urlsplit(self.url).scheme != "https" and not is_loopback(host):
            raise ConfigError("url: must start with https://, or texts are sent in the clear")

    def open(self, transport: Any = None, token: Callable[[], str] | None = None) -> "Opened":
        """Return the recogniser; `transport` is an httpx transport and `token` gives an Entra token, for tests."""
        self.check()
        if self.key is None and token is None and not is_loopback(host_of(self.url)):
            token = _entra()
        return Opened(self, client(self.timeout, transport), token)


def _entra() -> Callable[[], str]:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 10 MB, only where no key is given

    credential = DefaultAzureCredential(exclude_interactive_browser_credential=True)
    return lambda: credential.get_token(_SCOPE).token


@dataclass(slots=True)
class Opened:
    """A connection. Used from one thread at a time."""

    options: AzureLanguage
    http: Any
    token: Callable[[], str] | None

    def spans(self, text: str) -> Sequence[tuple[int, int, str]]:
        """See Recogniser. Raises Transient or Permanent where the service does not answer, or not for the whole text."""
        found: list[tuple[int, int, str]] = []
        pieces = list(_pieces(text))
        for start in range(0, len(pieces), _AT_ONCE):
            asked = pieces[start : start + _AT_ONCE]
            for (begin, _), entities in zip(asked, self._entities([piece for _, piece in asked]), strict=True):
                found += [(begin + offset, begin + offset + length, kind) for offset, length, kind in entities]
        return found

    def _entities(self, documents: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        options = self.options
        parameters = {"modelVersion": "latest", "loggingOptOut": True, "stringIndexType": "UnicodeCodePoint"}
        if options.categories:
            parameters["piiCategories"] = list(options.categories)
        listed = [{"id": str(number), "language": options.language, "text": text} for number, text in enumerate(documents)]
        answer = self._post({"kind": "PiiEntityRecognition", "parameters": parameters, "analysisInput": {"documents": listed}})
        try:
            read = {one["id"]: one["entities"] for one in answer["results"]["documents"]}
            # A document that is missing here was not looked through, whatever the service says of it elsewhere.
            return [
                [self._span(entity, text) for entity in read[str(number)] if self._sure(entity)] for number, text in enumerate(documents)
            ]
        except (KeyError, TypeError, ValueError):
            raise Permanent("Azure AI Language did not look through the whole text") from None

    def _sure(self, entity: Any) -> bool:
        return float(entity["confidenceScore"]) >= self.options.confidence

    def _span(self, entity: Any, text: str) -> tuple[int, int, str]:
        offset, length = int(entity["offset"]), int(entity["length"])
        if not 0 <= offset <= offset + length <= len(text):
            raise ValueError("a place outside the text")
        return offset, length, kind_of(str(entity["category"]))

    def _post(self, body: Any) -> Any:
        import httpx  # noqa: PLC0415 - loaded with the client

        headers = {"Content-Type": "application/json"}
        if self.options.key is not None:
            headers["Ocp-Apim-Subscription-Key"] = str(self.options.key)
        elif self.token is not None:
            headers["Authorization"] = f"Bearer {self.token()}"
        url = f"{self.options.url.rstrip('/')}/language/:analyze-text?api-version={_VERSION}"
        content = bytearray()
        try:
            with self.http.stream("POST", url, content=orjson.dumps(body), headers=headers) as response:
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > _MOST_BYTES:
                        raise Permanent("Azure AI Language answered more than 1 MiB")
                status = response.status_code
        except httpx.HTTPError as error:
            raise Transient(f"Azure AI Language cannot be reached: {type(error).__name__}") from None
        if status >= 300:
            raise (Transient if status >= 500 or status in {401, 403, 408, 429} else Permanent)(f"Azure AI Language answered {status}")
        try:
            return orjson.loads(bytes(content))
        except orjson.JSONDecodeError:
            raise Permanent("Azure AI Language answered something that is no JSON") from None


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield places and pieces of a text that the service takes; each repeats the end of the one before."""
    start = 0
    while True:
        yield start, text[start : start + _PIECE]
        if start + _PIECE >= len(text):
            return
        start += _PIECE - _SHARED


def kind_of(category: str) -> str:
    """Return how a category is written in the place of what was found: bounded, whatever the service says.

    >>> kind_of("PhoneNumber"), kind_of("USSocialSecurityNumber"), kind_of("<script>")
    ('phone_number', 'ussocial_security_number', 'script')
    """
    return re.sub(r"[^a-z0-9_]", "", _CAMEL.sub("_", category).lower())[:32] or "private"
