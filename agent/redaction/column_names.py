"""Whether the name of a column is one: a table without a header has data where names should be."""

from functools import lru_cache

from agent.redaction.values import NAMES, Values


@lru_cache(maxsize=4096)
def is_private(name: str) -> bool:
    """Whether a name holds an address, an account, a card or a key.

    >>> is_private("monthly income"), is_private("anna@example.org"), is_private("zip_10023")
    (False, True, False)
    """
    return Values(0, only=NAMES, longest=len(name) + 1).masked(name, declared=True) != name


def listed(names: list[str], most: int = 20) -> str:
    """Return the first names for a sentence, private ones left out.

    >>> listed(["a", "anna@example.org", "b"]), listed([])
    ('a, <private>, b', 'none')
    """
    return ", ".join("<private>" if is_private(name) else name for name in names[:most]) or "none"
