"""Days of rows and the orders they are put in, as a process of another product reads them. numpy only: every environment has it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.exchange import Plain, load

Rows = slice | NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Change:
    """One column of some places of one order, changed: its values place by place, in the order's own sequence."""

    order: int
    label: str
    feature: str
    first: int
    """Place of the first changed window; as many follow as `places` has."""
    places: tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Windows of one table in several orders; the first `reference` places of an order are the reference."""

    columns: Plain
    starts: NDArray[np.int64]
    """[windows + 1] where each window begins."""
    orders: NDArray[np.int64]
    """[orders, places] the window of each place."""
    rows: NDArray[np.int64] | None
    """[orders, rows] rows shuffled over all windows, in place of the table's own sequence; None: they are not."""
    reference: int
    changes: tuple[Change, ...]

    def whole(self, order: int) -> Iterator[tuple[int, Rows]]:
        """Yield each place of an order with its rows of the table."""
        for place, window in enumerate(self.orders[order].tolist()):
            span = slice(int(self.starts[window]), int(self.starts[window + 1]))
            yield place, span if self.rows is None else self.rows[order, span]


def save_days(
    folder: Path,
    starts: NDArray[np.int64],
    orders: NDArray[np.int64],
    rows: NDArray[np.int64] | None,
    reference: int,
    changes: Sequence[Change],
) -> None:
    """Write everything but the columns, which `exchange.save` writes to `columns.npz` of the same folder."""
    arrays: dict[str, Any] = {"starts": starts, "orders": orders} | ({} if rows is None else {"rows": rows})
    listed = []
    for number, change in enumerate(changes):
        values = np.concatenate(change.places)
        sizes = [len(one) for one in change.places]
        listed.append([change.order, change.label, change.feature, change.first, sizes])
        # Objects are strings with None for missing; a file without pickles has no None.
        arrays[f"change/{number}"] = values if values.dtype == float else np.array(["" if one is None else f"={one}" for one in values])
    np.savez(folder / "days.npz", **arrays)
    (folder / "days.json").write_text(json.dumps({"reference": reference, "changes": listed}), "utf-8")


def load_days(folder: str) -> Days:
    """Return what `save_days` and `exchange.save` wrote."""
    told: Mapping[str, Any] = json.loads((Path(folder) / "days.json").read_text("utf-8"))
    with np.load(Path(folder) / "days.npz", allow_pickle=False) as file:
        changes = tuple(
            Change(order, label, feature, first, tuple(np.split(_values(file[f"change/{number}"]), np.cumsum(sizes)[:-1])))
            for number, (order, label, feature, first, sizes) in enumerate(told["changes"])
        )
        rows = file["rows"] if "rows" in file.files else None
        return Days(load(Path(folder) / "columns.npz"), file["starts"], file["orders"], rows, told["reference"], changes)


def _values(stored: NDArray[Any]) -> NDArray[Any]:
    if stored.dtype == float:
        return stored
    return np.array([one[1:] if one else None for one in stored.tolist()], dtype=object)
