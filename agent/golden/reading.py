"""A golden set's file becomes pairs; every line that cannot be one says why."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.config_values import shown, suggest
from agent.errors import InputError
from agent.golden.lines import lines_of
from agent.golden.pair import GoldenSet, Pair, Remark
from agent.golden.provenance import machine_written

KEYS = ("id", "question", "messages", "truth", "context", "class", "source", "provenance", "generated", "tags")
"""What a line may hold; other keys are passed over with a warning."""
MOST_PAIRS = 10_000
_LONGEST = {"question": 32_000, "truth": 16_000, "context": 200_000, "class": 200, "id": 100, "source": 500}
"""Characters; beyond that a text is a mistake, or no endpoint takes it."""
_ROLES = ("system", "developer", "user", "assistant")
_TAGS = 20
_BROKEN = ("\ufffd", "Ã©", "Ã¤", "Ã¶", "Ã¼", "â€™", "â€œ", "Â ")
"""What UTF-8 looks like once it was read as something else."""


def read(path: Path) -> GoldenSet:
    """Return what a file holds. Raises InputError where it is no such file, or holds more than 10,000 pairs."""
    pairs, remarks, ids, count = list[Pair](), list[Remark](), dict[str, int](), 0
    unknown: dict[str, int] = {}
    for found in lines_of(path):
        count += 1
        if count > MOST_PAIRS:
            raise InputError(f"{path}: holds more than {MOST_PAIRS:,} pairs; they are asked one by one, choose among them")
        if isinstance(found, Remark):
            remarks.append(found)
            continue
        number, given = found
        for name in given.keys() - set(KEYS):
            unknown.setdefault(name, number)
        line = _Line(number, given)
        pair = line.pair()
        remarks += line.remarks
        if pair is None:
            continue
        first = ids.setdefault(pair.id, number)
        if first != number:
            text = f"{shown('id', pair.id)} is that of line {first} too; give each pair its own, or leave it out"
            remarks.append(Remark("error", number, "id", text))
        else:
            pairs.append(pair)
    remarks += [
        Remark("warning", line, name[:60], f"unknown key, passed over{suggest(name, KEYS)}") for name, line in sorted(unknown.items())
    ]
    return GoldenSet(tuple(pairs), tuple(sorted(remarks, key=lambda one: one.line)), count)


class _Line:
    """One line while it is read."""

    def __init__(self, number: int, given: Mapping[str, Any]) -> None:
        self.number = number
        self.given = given
        self.remarks: list[Remark] = []

    def pair(self) -> Pair | None:
        """Return the pair, or None where a remark says why there is none."""
        messages = self._messages()
        question = self._text("question")
        if messages:
            asked = [text for role, text in messages if role == "user"]
            if question and (not asked or question != asked[-1]):
                self._error("question", "is not the last user message of messages; give one of both")
            question = asked[-1] if asked else ""
        if not question.strip():
            self._error("question", "is missing or empty; every pair asks something")
        source = self._source()
        truth, context, label = (self._text(key) for key in ("truth", "context", "class"))
        named = self._text("id")
        tags = self._tags()
        if any(one.level == "error" for one in self.remarks):
            return None
        pair = Pair(named, self.number, question, messages, truth, context, label, source, tags)
        # Without an id of its own it has one that stays as long as its texts do, wherever it stands in the file.
        return pair if named else Pair(f"q-{pair.digest[:12]}", self.number, question, messages, truth, context, label, source, tags)

    def _error(self, key: str, text: str) -> None:
        self.remarks.append(Remark("error", self.number, key, text))

    def _text(self, key: str) -> str:
        value = self.given.get(key)
        if value is None:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self._error(key, f"must be text, not {shown(key, value)}")
            return ""
        return self._sound(key, value)

    def _sound(self, key: str, text: str) -> str:
        longest = _LONGEST.get(key, _LONGEST["question"])
        if len(text) > longest:
            self._error(key, f"has {len(text):,} characters, at most {longest:,} can be used; shorten it")
        wrong = next((sign for sign in text if unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\r\t"), None)
        if wrong is not None:
            self._error(key, f"holds the control character U+{ord(wrong):04X} at place {text.index(wrong) + 1}; remove it")
        broken = next((signs for signs in _BROKEN if signs in text), None)
        if broken is not None:
            text_of = f"looks like text read in a wrong encoding (U+{ord(broken[0]):04X} at place {text.index(broken) + 1}); mend it"
            self.remarks.append(Remark("warning", self.number, key, text_of))
        return text

    def _source(self) -> str:
        key = "provenance" if "provenance" in self.given and "source" not in self.given else "source"
        source = self._text(key)
        if not source.strip() and not any(one.key == key for one in self.remarks):
            self._error("source", "is missing; say who wrote the pair or where it comes from, such as human or support-ticket-1832")
        machine = machine_written(source, self.given.get("generated"))
        if machine is not None:
            text = f"says that a model wrote it ({shown(key, machine)}); a golden pair is written by people: replace it, or have a person write its truth"
            self._error(key if machine != "generated: true" else "generated", text)
        return source

    def _tags(self) -> tuple[str, ...]:
        value = self.given.get("tags") or []
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(tag, str) and 0 < len(tag) <= 60 and tag.isprintable() for tag in value):
            self._error("tags", 'must be a list of short texts such as ["billing"]')
            return ()
        if len(value) > _TAGS:
            self._error("tags", f"are {len(value)}, at most {_TAGS} can be told apart")
        return tuple(dict.fromkeys(value))

    def _messages(self) -> tuple[tuple[str, str], ...]:
        value = self.given.get("messages")
        if value is None:
            return ()
        form = 'must be a list such as [{"role": "user", "content": "..."}], with a user message last'
        if not isinstance(value, list) or not value:
            self._error("messages", form)
            return ()
        found: list[tuple[str, str]] = []
        for message in value:
            role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
            if role not in _ROLES or not isinstance(content, str) or not content.strip():
                self._error("messages", form)
                return ()
            found.append((role, self._sound("messages", content)))
        if found[-1][0] != "user":
            self._error("messages", form)
            return ()
        return tuple(found)
