"""What a person asks for when a reference is accepted or cut, as the command line and the admin socket hand it on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from agent.errors import ConfigError

USUAL_DAYS = 35
"""Days that are accepted where nobody says which, and no alert says since when: whole weeks, and enough for the usual budget."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Streams of an endpoint, and days of their past."""

    endpoint: str
    deployment: str | None = None
    """None: every deployment."""
    traffic: str = "live"
    first: date | None = None
    last: date | None = None
    """Both included; None: to the newest window."""
    days: int | None = None
    """The last so many calendar days instead, the present one among them."""
    detector: str | None = None
    """Component id; None: every drift detector that has windows of these days."""

    def span(self, newest: int, since: int | None) -> tuple[int, int]:
        """Return first and last day as ordinals; `newest` is the day of the newest window, `since` that of an alert that fires."""
        last = self.last.toordinal() if self.last is not None else newest
        if self.days is not None:
            return max(newest - self.days + 1, 1), newest
        if self.first is not None:
            return self.first.toordinal(), last
        return (since if since is not None else max(last - USUAL_DAYS + 1, 1)), last


@dataclass(frozen=True, slots=True)
class Accept:
    """Take another fixed reference: of lived windows, or a stored one."""

    chosen: Chosen
    name: str | None = None
    """Of the baseline; None: one for each stream, called after it."""
    version: int | None = None
    """A stored version, instead of windows."""


@dataclass(frozen=True, slots=True)
class Exclude:
    """Take days out of a stored baseline, or out of all references of an endpoint."""

    name: str
    first: date
    last: date
    undo: bool = False
    """Take days back in instead; of an endpoint only."""


def to_json(asked: Accept | Exclude | Chosen) -> dict[str, Any]:
    """Return it as the socket carries it; days as 2026-03-08."""
    plain = asdict(asked)
    plain |= plain.pop("chosen", {})
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in plain.items()}


def accept_from(options: Mapping[str, Any]) -> Accept:
    """Take back what `to_json` gave. Raises ConfigError for anything else."""
    return Accept(chosen_from(options), _text(options, "name"), _number(options, "version"))


def exclude_from(options: Mapping[str, Any]) -> Exclude:
    """Take back what `to_json` gave. Raises ConfigError for anything else."""
    name, first, last = _text(options, "name"), _day(options, "first"), _day(options, "last")
    if name is None or first is None or last is None:
        raise ConfigError("exclude: needs name, first and last")
    return Exclude(name, first, last, options.get("undo") is True)


def chosen_from(options: Mapping[str, Any]) -> Chosen:
    """Take back what `to_json` gave. Raises ConfigError for anything else."""
    endpoint = _text(options, "endpoint")
    if endpoint is None:
        raise ConfigError("endpoint: is missing")
    days = _number(options, "days")
    deployment, traffic = _text(options, "deployment"), _text(options, "traffic")
    first, last = _day(options, "first"), _day(options, "last")
    return Chosen(endpoint, deployment, traffic or "live", first, last, days, _text(options, "detector"))


def day(text: str) -> date:
    """Return the day of `2026-03-08`. Raises ValueError with a sentence."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no date; write it as 2026-03-08") from error


def _text(options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{name}: {value!r} is no text")
    return value


def _number(options: Mapping[str, Any], name: str) -> int | None:
    value = options.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31):
        raise ConfigError(f"{name}: {value!r} is no number from 1 on")
    return value


def _day(options: Mapping[str, Any], name: str) -> date | None:
    value = _text(options, name)
    try:
        return None if value is None else day(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
