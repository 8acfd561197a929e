"""Who pages: exactly one of the places where an incident becomes visible carries a receiver."""

from typing import Literal, TypeAlias

Paging: TypeAlias = Literal["azure", "prometheus", "agent"]
