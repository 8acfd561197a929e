"""Text that must not be seen: used like any str, but shown as ***."""

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Secret(str):
    """A connection string, token or password; also every value that came from `${env:…}` or `${file:…}`.

    >>> Secret("hunter2"), f"{Secret('hunter2')}"
    (***, 'hunter2')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate like str and keep the type."""
        return core_schema.no_info_after_validator_function(cls, handler(str))
