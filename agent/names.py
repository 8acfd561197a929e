"""Makes names that come from traffic fit for a label, a log line and a terminal."""

LONGEST = 128
"""Letters of a name; what is longer is cut."""


def harmless(name: str) -> str:
    r"""Return a name without control characters and of bounded length.

    >>> harmless("gpt-4o")
    'gpt-4o'
    >>> harmless("gpt\x1b[31m\r\nERROR")
    'gpt?[31m??ERROR'
    """
    if len(name) <= LONGEST and name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST])
