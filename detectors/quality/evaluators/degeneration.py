"""Answers that fall apart: loops, and ends in the middle of a sentence."""

from detectors.quality.evaluators.words import triples, words

_ENDS = frozenset(".!?…:;)]}\"'”’»`*|>~。！？）」』؟।")  # noqa: RUF001 - ends of sentences in other scripts


def repetition(answer: str) -> float | None:
    """Return the share of word triples that were there before, from 0 to 1; None with fewer than five words.

    A trend of degeneration, not of fluency: against experts' fluency it ranks with -.21 (SummEval, 1,200 answers).

    >>> repetition("yes it is yes it is yes it is"), repetition("a b c d e f"), repetition("no")
    (0.5714285714285714, 0.0, None)
    """
    found = triples(words(answer))
    if len(found) < 3:
        return None
    return 1 - len(set(found)) / len(found)


def truncated(answer: str, finish_reason: str | None) -> bool:
    """Return whether an answer was cut off: the model says so, or it ends like no sentence, list or code does.

    >>> truncated("That is", "length"), truncated("The end.", "stop"), truncated("one of the most", None)
    (True, False, True)
    """
    if finish_reason is not None and "length" in finish_reason.split(","):
        return True
    text = answer.rstrip()
    if len(words(text)) < 3:
        # A word, a number, a name: short answers need no full stop.
        return False
    last = text.rsplit("\n", 1)[-1].lstrip()
    # Lists, tables and headings have no full stops.
    listed = last[:2] in {"- ", "* ", "| ", "# ", "##", "+ "} or last[:1] == "•" or last.split(".", 1)[0].isdigit()
    return not listed and text[-1] not in _ENDS and not _is_sign(text[-1])


def _is_sign(sign: str) -> bool:
    """Whether a sign is an emoji or another symbol answers like to end with."""
    return ord(sign) >= 0x2190 and not sign.isalpha()
