"""What the decay detector keeps of a stream: errors and their tests, the mix of the labels, and the trust in estimates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.decay.decay_state import DecayState, state_from
from detectors.decay.trusting import Trusts, trusted_from
from detectors.drift.state import DriftState
from detectors.drift.state import state_from as labels_from
from detectors.types import Plain

VERSION = 2


@dataclass(frozen=True, slots=True)
class LabelState:
    """Fresh: nothing is known yet."""

    errors: DecayState = field(default_factory=DecayState)
    labels: DriftState = field(default_factory=DriftState)
    trusts: Trusts = field(default_factory=dict)

    def plain(self) -> Plain:
        """Return the state as data; `label_state_from` takes it back."""
        return {**self.head(), "pieces": self.pieces()}

    def head(self) -> Plain:
        """Return all but the counts of earlier windows' labels as data."""
        return {
            "version": VERSION,
            "errors": self.errors.plain(),
            "labels": self.labels.head(),
            "trusts": {metric: known.plain() for metric, known in self.trusts.items()},
        }

    def pieces(self) -> Mapping[str, bytes]:
        """Return the counts of earlier windows' labels by name: pieces that never change."""
        return self.labels.pieces()


def label_state_from(saved: Plain) -> LabelState:
    """Take back what `LabelState.plain` gave. Raises ValueError for data of another version.

    >>> label_state_from(LabelState().plain()).errors == DecayState()
    True
    """
    if saved.get("version") != VERSION:
        raise ValueError(f"decay state of version {saved.get('version')}; this driftline reads {VERSION}")
    return LabelState(
        state_from(saved["errors"]),
        labels_from({**saved["labels"], "pieces": saved.get("pieces", {})}),
        {metric: trusted_from(known) for metric, known in saved["trusts"].items()},
    )
