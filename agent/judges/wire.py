"""One request to a model or service somebody configured, and one bounded answer; and what its failures mean."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Literal

from agent.errors import DriftlineError

Why = Literal[
    "throttled", "timeout", "unreachable", "server", "auth", "not_found", "filtered", "refused", "too_long", "unreadable", "unfit"
]

MOST_BYTES = 1_048_576
"""Of an answer; what is longer is nothing anybody asked for."""
_SCOPE = "https://cognitiveservices.azure.com/.default"


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


def posted(opened: Any, address: str, body: bytes, headers: Mapping[str, str], timeout: float) -> tuple[int, bytes, float | None]:
    """Return status, answer and the seconds after which to come back, where told. Raises Unanswered."""
    import httpx  # noqa: PLC0415 - only where something is asked

    end = monotonic() + 2 * timeout
    try:
        with opened.stream("POST", address, content=body, headers=headers) as response:
            read = b""
            for part in response.iter_bytes():
                read += part
                if len(read) > MOST_BYTES:
                    raise Unanswered("the answer is longer than 1 MiB", "too_long")
                # A server may send a byte now and then for ever.
                if monotonic() > end:
                    raise Unanswered(f"no whole answer within {2 * timeout:g} s", "timeout")
            return response.status_code, read, _pause(response.headers)
    except httpx.TimeoutException:
        raise Unanswered(f"no answer within {timeout:g} s", "timeout") from None
    except httpx.HTTPError as error:
        raise Unanswered(f"cannot be reached: {type(error).__name__}", "unreachable") from None


def signed(token: Callable[[], str] | None) -> dict[str, str]:
    """Return the header of an Entra token; nothing where there is no identity. Raises Unanswered."""
    if token is None:
        return {}
    try:
        return {"Authorization": f"Bearer {token()}"}
    except Exception as error:  # noqa: BLE001 - whatever the identity library raises, there is no token
        raise Unanswered(f"no Entra token: {type(error).__name__}", "auth") from None


def entra() -> Callable[[], str]:
    """Return what gives tokens of Azure's managed identity, or whatever identity this machine has."""
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


def fault(status: int, body: bytes, retry_after: float | None, *, where: str = "endpoint") -> Unanswered:
    """Return why there is no answer; what the other side wrote is not repeated, it may hold the question. `where`: settings of the address."""
    if status == 429:
        return Unanswered("throttled", "throttled", retry_after)
    if status >= 500 or status == 408:
        return Unanswered(f"answered {status}", "server", retry_after)
    if status in {401, 403}:
        return Unanswered(f"answered {status}: check the key, or the role of the identity", "auth")
    if status == 404:
        return Unanswered(f"answered 404: check {where}", "not_found")
    if b"content_filter" in body or b"content management policy" in body:
        return Unanswered("the question was filtered", "filtered")
    return Unanswered(f"answered {status}", "refused")
