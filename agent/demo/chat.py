"""Act two: a real client, a look-alike of Azure OpenAI, and `driftline run` beside them, in real time."""

import queue
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from agent.demo.children import Child, Children
from agent.demo.watching import Cost, Watching, total
from agent.errors import Unavailable

ENDPOINT = "support-chat"
BURST, CALM, CHANGE, LEAST = 15.0, 23.0, 30.0, 40.0
"""Seconds of traffic after which the attack begins, ends, the model changes, and the act may end."""
MOST = 75.0
"""Seconds after which what has not been told is given up."""
NEW_MODEL = {"model": "gpt-4o-2024-11-20", "fingerprint": "fp_d4e5f6", "words": 45}
_START = 45.0
_LOOK = 0.2
_SETTLE = 10.0

_CONFIG = """\
version: 1
state: {state}
interval: 1s
sources:
  otlp: {{http: 127.0.0.1:{otlp}}}
endpoints:
  support-chat:
    match: {{service.name: support-bot}}
    window: 5s                  # 15m is usual; this is a play
    allowed_lateness: 1s
    detectors: {{usage: {{}}, safety: {{}}}}
    alerts: {{safety_rate: {{keep_firing: 5s}}}}
sinks:
  prometheus: {{listen: 127.0.0.1:{metrics}}}
  json_lines: {{path: {events}}}
notifiers: {{log: {{}}}}
paging: agent
"""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done to the application, and when and how driftline told of it. Times in seconds of traffic."""

    what: str
    name: str
    """Name of the event it must lead to."""
    state: str
    began: float
    told: float | None = None
    words: str = ""

    @property
    def line(self) -> str:
        """Return what was measured, in a sentence."""
        return f"{self.name} {self.state} {(self.told or 0) - self.began:.1f} s after {self.what}: {self.words}"


class Count(NamedTuple):
    """One number, from both sides."""

    what: str
    served: int
    counted: int


@dataclass(frozen=True, slots=True)
class Played:
    """How the act went."""

    happenings: tuple[Happening, ...]
    others: tuple[str, ...]
    """Summaries of events nobody had planned."""
    counts: tuple[Count, ...]
    """The look-alike's own books beside driftline's."""
    page: str
    """/metrics at the end."""
    cost: Cost


@dataclass(slots=True)
class Chat:
    """The act. `told` gets a line for everything that happens; `stop` ends it early."""

    folder: Path
    children: Children
    told: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    stop: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _otlp: int = 0
    _begin: float = 0.0
    _happenings: list[Happening] = field(default_factory=list)
    _others: list[str] = field(default_factory=list)

    def play(self) -> Played:
        """Start everything, follow the script, and return what was told. Raises Unavailable where a process does not start."""
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415  # belongs to the demo alone; has no types

        port, agent, watching = self._start()
        started = time.monotonic()
        process = psutil.Process(agent.process.pid)
        before = process.cpu_times()
        application = self._application(port)
        self._begin = time.monotonic()
        self._say(f"an application with the openai SDK and OpenInference makes 8 calls a second; driftline listens ({self.url})")
        self._act(agent, application, port, watching)
        after, seconds = process.cpu_times(), time.monotonic() - started
        counts = self._settled(application, port, watching)
        page = watching.page()
        application.tell("normal")
        cpu = after.user + after.system - before.user - before.system
        calls = total(page, "driftline_requests_total", endpoint=ENDPOINT)
        cost = Cost(cpu, process.memory_info().rss / 1e6, calls, seconds)
        watching.close()
        return Played(tuple(self._happenings), tuple(self._others), counts, page, cost)

    def _settled(self, application: Child, port: int, watching: Watching) -> tuple[Count, ...]:
        """Let the application be quiet, and return both sides' numbers once they agree, or after a while as they are."""
        application.tell("quiet")
        deadline = time.monotonic() + _SETTLE
        while True:
            counts = _counts(_control(port, {}), watching.page())
            if all(one.served == one.counted for one in counts) or time.monotonic() > deadline or self.stop.wait(_LOOK):
                return counts

    def _start(self) -> tuple[int, Child, Watching]:
        state, events = self.folder / "chat-state", self.folder / "events.jsonl"
        shutil.rmtree(state, ignore_errors=True)
        events.unlink(missing_ok=True)
        metrics, self._otlp = free_port(9464), free_port(4318)
        path = self.folder / "support-chat.yaml"
        path.write_text(_CONFIG.format(state=state.name, otlp=self._otlp, metrics=metrics, events=events.name))
        self.url = f"http://127.0.0.1:{metrics}/metrics"
        look_alike = self.children.start("look-alike", ["agent.demo.look_alike", "0"], {})
        agent = self.children.start("agent", ["agent", "run", "-c", str(path)], {})
        port = int(look_alike.wait_for("port ", _START).removeprefix("port "))
        agent.wait_for("ready:", _START)
        return port, agent, Watching(self.url, events)

    def _application(self, port: int) -> Child:
        application = self.children.start(
            "application",
            ["agent.demo.application"],
            {
                "AZURE_OPENAI_ENDPOINT": f"http://127.0.0.1:{port}",
                "AZURE_OPENAI_API_KEY": "demo",
                "OPENAI_API_VERSION": "2024-10-21",
                "OTEL_SERVICE_NAME": "support-bot",
                # All that driftline asks of an application.
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._otlp}",
            },
        )
        application.wait_for("serving", _START)
        return application

    def _act(self, agent: Child, application: Child, port: int, watching: Watching) -> None:
        script: list[tuple[float, Callable[[], None]]] = [
            (BURST, lambda: self._burst(application)),
            (CALM, lambda: self._calm(application)),
            (CHANGE, lambda: self._change(port)),
        ]
        while not self.stop.wait(_LOOK):
            now = self._now()
            for child in (agent, application):
                if child.process.poll() is not None:
                    raise Unavailable(f"demo: {child.name} has ended; see {child.log}")
            while script and now >= script[0][0]:
                script.pop(0)[1]()
            for event in watching.new_events():
                self._hear(event)
            if not script and all(one.told is not None for one in self._happenings) and now >= LEAST:
                return
            if now >= MOST:
                return

    def _burst(self, application: Child) -> None:
        application.tell("attack")
        self._happens("the first jailbreak attempt", "safety_rate", "fired", "its users begin to try jailbreaks, in 6 of 10 calls")

    def _calm(self, application: Child) -> None:
        application.tell("normal")
        self._happens("the last jailbreak attempt", "safety_rate", "resolved", "they give up")

    def _change(self, port: int) -> None:
        _control(port, NEW_MODEL)
        self._happens("another model began to answer", "model", "changed", "the service changes the model and tells nobody")

    def _happens(self, what: str, name: str, state: str, narrated: str) -> None:
        self._happenings.append(Happening(what, name, state, self._now()))
        self._say(narrated)

    def _hear(self, event: Mapping[str, Any]) -> None:
        now = self._now()
        for place, one in enumerate(self._happenings):
            if one.told is None and (one.name, one.state) == (event["name"], event["state"]):
                self._happenings[place] = replace(one, told=now, words=event["summary"])
                self._say(f"  driftline: {self._happenings[place].line}")
                return
        self._others.append(f"{event['name']} {event['state']}: {event['summary']}")
        self._say(f"  driftline: {self._others[-1]}")

    def _now(self) -> float:
        return time.monotonic() - self._begin

    def _say(self, text: str) -> None:
        self.told.put(f"{self._now():5.1f} s  {text}")


def _control(port: int, changes: Mapping[str, Any]) -> Mapping[str, int]:
    """Change the look-alike; return what it did so far."""
    with httpx.Client(trust_env=False, timeout=10) as client:
        done: Mapping[str, int] = client.post(f"http://127.0.0.1:{port}/control", json=changes).raise_for_status().json()
        return done


def _counts(done: Mapping[str, int], page: str) -> tuple[Count, ...]:
    served = {name: done.get(name, 0) for name in ("answered", "blocked", "detected", "throttled")}
    filtered = "driftline_safety_filtered_total"
    return (
        Count("calls", served["answered"] + served["blocked"] + served["throttled"], round(total(page, "driftline_requests_total"))),
        Count("throttled", served["throttled"], round(total(page, "driftline_request_throttled_total"))),
        Count("blocked by the filter", served["blocked"], round(total(page, filtered, action="blocked"))),
        Count("answered with a note", served["detected"], round(total(page, filtered, action="annotated"))),
    )


def free_port(wanted: int) -> int:
    """Return the port if nobody on this machine listens on it, else one that is free now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            taken: int = probe.getsockname()[1]
            return taken
    raise Unavailable("demo: no free port on 127.0.0.1")
