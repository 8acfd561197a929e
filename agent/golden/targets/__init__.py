"""Targets: endpoints that golden questions are put to. What is sent is marked as canary traffic."""

from dataclasses import dataclass
from typing import Any, Protocol

from agent.golden.pair import Pair

CANARY = {"baggage": "driftline.traffic=canary", "x-driftline-traffic": "canary"}
"""Headers of every question: applications and gateways can keep it out of live figures by them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; what the other side did not say is empty."""

    text: str
    finish_reason: str = ""
    model: str = ""
    fingerprint: str = ""
    version: str = ""
    read: int | None = None
    """Tokens of the question as billed; None: not said."""
    written: int | None = None
    """Tokens of the answer as billed."""


class Opened(Protocol):
    """One connection to a target, used from one thread at a time."""

    def ask(self, pair: Pair) -> Reply:
        """Put a question. Raises Unanswered (`agent/judges/chat.py`)."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Target(Protocol):
    """A component of the group `targets`; its fields are its options."""

    @property
    def name(self) -> str:
        """What its answers are counted under where nothing else is configured: the deployment or model."""
        ...

    @property
    def most(self) -> int:
        """Tokens an answer may take."""
        ...

    def open(self, transport: Any = None) -> Opened:
        """Return a connection; `transport` is an httpx transport, for tests. Raises ConfigError."""
        ...
