"""A request to train a model anew, as an event: shown like a change, and carried with its evidence to whoever is to be called."""

from collections.abc import Mapping
from hashlib import sha256
from shlex import quote

from alerts.event import Event
from alerts.retraining import Judged, Request, Terms
from detectors.types import Plain, Stream

NAME = "retraining"
VERSION = 1
"""Of the form of the data."""

WINDOWS = 12
"""Bad windows that are listed, the newest; how many there were is told beside them."""
REPORTS = 3


def retraining_event(stream: Stream, request: Request, terms: Terms, answering: Mapping[str, str], config: str = "") -> Event:
    """Return the event of a request. Its id, the idempotency key, says which windows of which deployment led to it.

    `answering` is what is known of the model (model, version, fingerprint), `config` the hash of the configuration in force.
    The data hold numbers and names of features, never text of a call, and stay under 64 KB as JSON.
    """
    first, last = request.windows[0], request.windows[-1]
    who = f"{NAME}|{stream.endpoint}|{stream.deployment}|{request.signal}|{first.start.isoformat()}|{last.end.isoformat()}"
    count = len(request.windows)
    reason = f"{count} of the last {terms.within} windows bad" if terms.within > count else f"{count} bad windows in a row"
    reason = "a bad window" if terms.within == 1 else reason
    worst = _worst(request.windows)
    said = f"{reason} by {request.signal}" + (f", worst {worst}" if worst else "")
    details = {
        "signal": request.signal,
        "reason": said,
        "window_start": first.start.isoformat(),
        "window_end": last.end.isoformat(),
        "quiet_until": request.quiet_until.isoformat(),
    }
    return Event(
        id=sha256(who.encode()).hexdigest(),
        kind="change",
        name=NAME,
        state="requested",
        severity="information",
        time=request.time,
        started=first.start,
        attributes=stream._asdict(),
        values={"windows": float(count)},
        details={**details, **({"feature": worst} if worst else {})},
        summary=f"{stream.endpoint}/{stream.deployment}: retraining requested, {said}",
        data=_data(stream, request, terms, answering, config, said),
    )


def _data(stream: Stream, request: Request, terms: Terms, answering: Mapping[str, str], config: str, said: str) -> Plain:
    return {
        "version": VERSION,
        **stream._asdict(),
        "signal": request.signal,
        "reason": said,
        "rule": {
            "windows": terms.windows,
            "within": terms.within,
            "days": terms.days,
            "cool_down_seconds": terms.cool_down.total_seconds(),
        },
        "bad_windows": len(request.windows),
        "first_window_start": request.windows[0].start.isoformat(),
        "last_window_end": request.windows[-1].end.isoformat(),
        "windows": [{"start": one.start.isoformat(), "end": one.end.isoformat(), **one.evidence} for one in request.windows[-WINDOWS:]],
        "performance": request.measured,
        "answering": dict(answering),
        "quiet_until": request.quiet_until.isoformat(),
        "config": config,
        "reports": [_report(stream, one) for one in request.windows[-REPORTS:]],
    }


def _worst(windows: tuple[Judged, ...]) -> str:
    """Return the feature of the severest finding; "" where there is none."""
    found = [finding for one in windows for finding in one.evidence.get("findings", ())]
    return max(found, key=lambda finding: finding["severity"] or 0.0)["feature"] if found else ""


def _report(stream: Stream, one: Judged) -> str:
    """Return the command that draws a report of a window."""
    names = f"{quote(stream.endpoint)} --deployment {quote(stream.deployment)}"
    return f"driftline report {names} --window {one.start.isoformat(timespec='minutes')}"
