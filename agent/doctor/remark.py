"""One thing doctor has to say: how bad it is, what it is, and what mends it."""

from dataclasses import dataclass
from typing import Literal

Weight = Literal["error", "warning", "note", "fine"]
"""error: it does not work; warning: it works, and not as meant; note: worth knowing; fine: looked at and in order."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, and the command or change that mends it."""

    weight: Weight
    what: str
    mend: str = ""
