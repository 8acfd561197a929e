"""One question of a golden set with the answer people expect, and what may be wrong with its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

import orjson

SMALLEST_SET = 100
"""Pairs below which a change of ten points is easily missed."""


@dataclass(frozen=True)
class Pair:
    """One pair; texts that are not there are empty. Not slotted: the digest is kept once it is computed."""

    id: str
    line: int
    """Where it stands in its file, from 1."""
    question: str
    messages: tuple[tuple[str, str], ...] = ()
    """Role and text, where the file gives a conversation; its last user message is the question."""
    truth: str = ""
    context: str = ""
    label: str = ""
    """The class to be named, for classification."""
    source: str = ""
    """Who wrote it, or where it comes from."""
    tags: tuple[str, ...] = ()

    @property
    def conversation(self) -> tuple[tuple[str, str], ...]:
        """What is sent to a chat endpoint."""
        return self.messages or (("user", self.question),)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of everything that decides whether an answer passes: runs are compared where they are equal."""
        said: list[Any] = [self.conversation, self.truth, self.context, self.label]
        return sha256(orjson.dumps(said)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with a line, in words that name the way out."""

    level: Literal["error", "warning"]
    line: int
    """0: the file as a whole."""
    key: str
    text: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.key}: {self.text}" if self.key else f"{where}{self.text}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"level": self.level, "line": self.line, "key": self.key, "message": self.text}


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """The pairs of a file that can be used, and what is wrong with the others."""

    pairs: tuple[Pair, ...]
    remarks: tuple[Remark, ...]
    lines: int
    """Pairs the file has, usable or not."""

    @property
    def errors(self) -> Sequence[Remark]:
        """What makes the set unusable."""
        return [one for one in self.remarks if one.level == "error"]

    @property
    def warnings(self) -> Sequence[Remark]:
        """What makes it weaker."""
        return [one for one in self.remarks if one.level == "warning"]

    @property
    def is_small(self) -> bool:
        """Whether there are fewer pairs than a comparison needs."""
        return len(self.pairs) < SMALLEST_SET
