"""The types of options that rules share."""

from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Lt

Span: TypeAlias = Annotated[timedelta, Ge(timedelta(0))]
Threshold: TypeAlias = Annotated[float, Ge(0), Lt(1)]
"""A share of calls."""
Count: TypeAlias = Annotated[int, Ge(1)]
Loud: TypeAlias = Literal["warning", "page"]

AT_ONCE = timedelta(0)
CALM = timedelta(minutes=10)
"""How long a rate must be clear to resolve: two clear windows of 15 minutes."""
