"""Text that came from outside, as a key of the store."""


def storable(text: str) -> str:
    r"""Return the text with lone surrogates written out: SQLite takes valid Unicode only, and one odd name must not stop a checkpoint.

    >>> storable("chat\udcff")
    'chat\\udcff'
    """
    return text.encode("utf-8", "backslashreplace").decode()
