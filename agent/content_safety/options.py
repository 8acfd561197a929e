"""The options of an endpoint's checks by Azure AI Content Safety, as they stand in the configuration."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from annotated_types import Ge, Gt

from agent.address import is_loopback
from agent.errors import ConfigError
from agent.judges.spend import Limits
from agent.posting import host_of
from agent.secret import Secret

TAKER = "content_safety"
"""Under which name texts are held for it, beside those a judge takes."""

Check = Literal["analyze_text", "prompt_shields", "groundedness", "protected_material"]

_AZURE = (".cognitiveservices.azure.com", ".services.ai.azure.com")
_REQUESTS = {"analyze_text": 2, "prompt_shields": 1, "groundedness": 1, "protected_material": 1}
"""Requests for a call of a usual length: prompt and answer are analysed apart."""


@dataclass(frozen=True, slots=True)
class ContentSafety:
    """Azure AI Content Safety checks sampled calls. It is sent redacted texts."""

    endpoint: str
    """`https://NAME.cognitiveservices.azure.com`."""
    key: Secret | None = None
    """Its key. Left out: Azure's managed identity where the address is Azure's, else none is sent."""
    checks: tuple[Check, ...] = ("analyze_text", "prompt_shields")
    """What is asked: `analyze_text` (hate, sexual, violence, self_harm of prompt and answer), `prompt_shields` (jailbreak, indirect_attack), `groundedness` (preview; of answers with context), `protected_material` (of answers)."""
    blocklists: tuple[str, ...] = ()
    """Names of its blocklists that `analyze_text` looks through as well."""
    calls: Annotated[int, Ge(4)] = 50
    """Calls of a window that are checked, for each deployment."""
    requests_a_day: Annotated[int, Ge(1)] = 20_000
    """Requests a day (UTC) at most; a call takes one for each check and direction, long texts more."""
    rate: Annotated[float, Gt(0)] = 5.0
    """Requests a second at most. The free tier takes 5."""
    timeout: Annotated[float, Gt(0)] = 20.0
    """Seconds for one request."""

    @property
    def is_azure(self) -> bool:
        """Whether the address says Azure."""
        return (urlsplit(self.endpoint).hostname or "").endswith(_AZURE)

    @property
    def limits(self) -> Limits:
        """What a day may take; a request is one token of it."""
        return Limits(tokens=self.requests_a_day)

    def check(self) -> None:
        """Raise ConfigError for an address or a check that cannot be used."""
        host = host_of(self.endpoint, "endpoint")
        if self.key is not None and urlsplit(self.endpoint).scheme != "https" and not is_loopback(host):
            raise ConfigError("endpoint: must start with https://, or the key is sent in the clear")
        parts = urlsplit(self.endpoint)
        if parts.query or parts.fragment or "/contentsafety" in parts.path:
            raise ConfigError("endpoint: ends before '/contentsafety'; paths and versions of the API are known")
        if not self.checks:
            raise ConfigError(f"checks: nothing is chosen; choose of {', '.join(get_args(Check))}")
        if self.blocklists and "analyze_text" not in self.checks:
            raise ConfigError("blocklists: only analyze_text looks through them; add it to checks")

    def estimate(self, windows_a_day: float) -> int:
        """Return the requests a day takes as a rule for one deployment, before limits.

        >>> ContentSafety("https://a.cognitiveservices.azure.com").estimate(96)
        14400
        """
        return int(self.calls * windows_a_day * sum(_REQUESTS[name] for name in set(self.checks)))
