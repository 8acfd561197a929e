"""Says what became of a reference, and how to go back."""

from collections.abc import Iterator
from shlex import quote

from agent.baselines.changing import Accepted, name_of
from agent.baselines.excluding import Cut
from agent.baselines.records import told
from agent.drift_rules import behind, beside
from agent.reference_view import StateView, described, in_words, view
from agent.terminal import clean
from detectors.types import Stream

_CROWDED = 0.25
"""Share of rows beyond the outer cells that is worth a word."""


def accepted_lines(found: Accepted) -> Iterator[str]:
    """Yield what a stream begins from now, how far it can be trusted, which of two references wins, and the way back."""
    record = found.record
    where = clean(f"{record.stream.endpoint}/{record.stream.deployment} ({record.stream.traffic}){behind(record.detector)}")
    yield f"{where}: accepted baseline {clean(record.name)}, version {record.version}: {clean(found.made_of)}"
    seen = view(found.state.plain(), found.detector)
    yield from (f"  {line}" for line in (*in_words(seen), *_doubts(seen)))
    yield f"  before: {clean(found.before)}"
    named = told(record.instead)
    if named.startswith("reference."):
        key = f"endpoints.{record.stream.endpoint}.{named.replace(' and ', f' and endpoints.{record.stream.endpoint}.')}"
        yield f"  {clean(key)} stays in the configuration and is not used here: what was accepted is newer. It wins again once it is changed."
    yield f"  back: {back(record.stream, record.detector, *found.undo)}"


def _doubts(seen: StateView) -> Iterator[str]:
    """Say which features vary so much among the accepted windows that their changes go unseen, and which lie outside their cells."""
    features = [one for reference in seen.references[:1] for one in reference.features]
    restless = ", ".join(one.known.name for one in features if one.restless)
    if restless:
        yield clean(f"differing too much from day to day to see a change: {restless}; do these days lie on both sides of it?")
    crowded = ", ".join(one.known.name for one in features if one.outside > _CROWDED)
    if crowded:
        yield clean(
            f"to a large part beyond the cells there are, where shifts go unseen: {crowded}; `driftline baseline build` cuts new ones"
        )


def cut_lines(found: Cut) -> Iterator[str]:
    """Yield what was taken out, and of a baseline what is left."""
    what = f"{found.windows} windows taken out" if found.windows >= 0 else f"{-found.windows} windows are part of it again"
    yield f"{clean(found.where)}: {what}"
    if found.state is not None:
        yield from (f"  {line}" for line in described(found.state.plain(), found.detector))


def back(stream: Stream, detector: str, name: str, version: int) -> str:
    """Return the command that takes an earlier version again.

    >>> back(Stream("shop", "blue", "live"), "drift", "shop@blue", 1)
    'driftline baseline accept shop --deployment blue --version 1'
    """
    words = ["driftline", "baseline", "accept", stream.endpoint, "--deployment", stream.deployment]
    words += [] if stream.traffic == "live" else ["--traffic", stream.traffic]
    words += ["--detector", detector] if beside(detector) else []
    words += [] if name == name_of(stream, detector) else ["--name", name]
    return clean(" ".join(quote(word) for word in (*words, "--version", str(version))))
