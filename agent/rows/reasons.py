"""Why rows, columns or values of a file could not be read, in a person's words."""

_WORDS = {
    "ragged": "rows with more or fewer cells than the header",
    "open_quote": "lines behind a quote that nothing closes",
    "broken_line": "lines that are no JSON object",
    "too_long": "records that are too long",
    "too_many_columns": "columns beyond what is kept of a file",
    "long_column_name": "columns whose name is too long",
    "private_name": "columns whose name holds an address, an account, a card or a key",
    "no_time": "rows whose time cannot be read",
}


def in_words(reason: str, count: int) -> str:
    """Return what a reason and its count mean.

    >>> in_words("ragged", 3), in_words("wrong type in delay", 2)
    ('ragged: 3 rows with more or fewer cells than the header', 'wrong type in delay: 2')
    """
    return f"{reason}: {count} {_WORDS[reason]}" if reason in _WORDS else f"{reason}: {count}"
