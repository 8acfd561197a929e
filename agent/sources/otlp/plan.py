"""How the calls of one shape become columns: worked out once, for shapes whose calls nothing but values sets apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from agent.sources.otlp.columns import CONVERSATION, NUMBERS
from agent.sources.otlp.lengths import both, instructed, lengths
from agent.sources.otlp.usual_form import Reading

_LENGTHS = {"input_messages": "input_length", "output_messages": "output_length"}
_INSTRUCTIONS = "system_instructions"
_READ = {*NUMBERS, "response_id", CONVERSATION, _INSTRUCTIONS, *_LENGTHS} - {"duration"}
_ASIDE = frozenset({"tools", "flat_tools", "flat_input", "flat_output", "request", "response", "error", "duration", "closing"})
"""Fields of calls that have to be looked at one by one."""

Places = Sequence[Sequence[bytes]]
"""Attributes of many spans: by place, then by span."""
Varied = tuple[int, str, bytes, Reading]
"""Place among the attributes, field, how the attribute begins, how to read it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """From attributes to columns."""

    fixed: Mapping[str, Any]
    """Columns of one value."""
    read: tuple[tuple[int, str, Reading], ...]
    """Place among the attributes, column and how to read it."""
    measured: tuple[tuple[int, str, bytes], ...]
    """Place and column of messages, whose length is all that is kept, and how the attribute begins."""
    answer: int | None
    """Place of the messages of the answer."""
    instructions: tuple[int, Reading] | None
    """Place of system instructions, whose length adds to that of the prompt, and how to read them."""

    def columns(self, places: Places) -> dict[str, list[Any]]:
        """Return what varies as lists of equal length. Raises DecodeError for a malformed attribute, Unusual for messages that are no text."""
        values = {name: list(map(value_of, places[place])) for place, name, value_of in self.read}
        values |= {name: list(lengths(places[place], start)) for place, name, start in self.measured}
        if self.instructions is not None:
            place, value_of = self.instructions
            # An application tells all its calls the same.
            known = {attribute: instructed(value_of(attribute)) for attribute in set(places[place])}
            said = list(map(known.__getitem__, places[place]))
            values["input_length"] = list(map(both, said, values["input_length"])) if "input_length" in values else said
        return values


def shared(fixed: Sequence[Mapping[str, Any]], which: Sequence[int]) -> dict[str, list[Any]]:
    """Return columns of what calls of the same plan share, `which` being the place of each in `fixed`.

    >>> shared([{"model": "a"}, {"model": "b"}], [1, 0, 1])
    {'model': ['b', 'a', 'b']}
    """
    if len(fixed) == 1:
        return {name: [value] * len(which) for name, value in fixed[0].items()}
    values = {name: [each.get(name) for each in fixed] for name in dict.fromkeys(chain.from_iterable(fixed))}
    return {name: list(map(listed.__getitem__, which)) for name, listed in values.items()}


def plan_of(fixed: Mapping[str, Any], names: Sequence[str], varied: Sequence[Varied]) -> Plan | None:
    """Return the plan of a settled shape, of whose fixed fields those with `names` are columns; None: its calls are read one by one."""
    fields = [field for _, field, _, _ in varied]
    if len({*fields, *fixed}) < len(fields) + len(fixed) or not _READ.issuperset(fields) or not _ASIDE.isdisjoint(fixed):
        return None
    if "tool_call" in (fixed.get("finish_reason") or "") or not fixed.keys().isdisjoint((*_LENGTHS, _INSTRUCTIONS)):
        return None
    return Plan(
        {name: fixed[name] for name in names if fixed.get(name) is not None},
        tuple((place, field, reading) for place, field, _, reading in varied if field not in _LENGTHS and field != _INSTRUCTIONS),
        tuple((place, _LENGTHS[field], start) for place, field, start, _ in varied if field in _LENGTHS),
        next((place for place, field, _, _ in varied if field == "output_messages"), None),
        next(((place, reading) for place, field, _, reading in varied if field == _INSTRUCTIONS), None),
    )
