"""What another product would say of two files, for `driftline check --thresholds`: as lines and as data."""

from collections.abc import Iterator, Sequence
from math import isfinite

from agent.check_text import Paint
from agent.terminal import clean
from detectors.drift.parity.compare import NAMES, NO_PROMISE, Told
from detectors.drift.parity.product import Product
from detectors.types import Plain


def parity_lines(product: Product, told: Sequence[Told], paint: Paint) -> Iterator[str]:
    """Yield the lines to print behind our own verdict."""
    drifted = [one for one in told if one.decides.alert]
    yield ""
    yield paint(f"{NAMES[product]} would report drift in {len(drifted)} of {len(told)} columns ({NO_PROMISE})", "bold")
    for one in drifted:
        yield f"  {clean(one.feature)}: {one.decides.method} {one.decides.value:.3g}, threshold {one.decides.threshold:.3g}"


def parity_plain(product: Product, told: Sequence[Told]) -> Plain:
    """Return the key `thresholds` of `check --json`."""
    return {
        "product": product,
        "note": f"{NAMES[product]}'s bins, thresholds and choice of method; {NO_PROMISE}",
        "scores": [
            {
                "feature": one.feature,
                "method": one.decides.method,
                "value": _number(one.decides.value),
                "threshold": _number(one.decides.threshold),
                "drifted": one.decides.alert,
                "methods": {
                    name: {"value": _number(reading.value), "threshold": _number(reading.threshold), "drifted": reading.alert}
                    for name, reading in one.readings.items()
                },
            }
            for one in told
        ],
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
