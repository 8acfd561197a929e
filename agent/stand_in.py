"""Lets a library be imported without another one that it names and that this process may never need."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def stand_in(name: str, **attributes: Any) -> Iterator[None]:
    """Let who imports a module get these attributes of it alone; where it is imported already nothing changes."""
    if name in sys.modules:
        yield
        return
    module = ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]
