"""SIGHUP: the file is read again in the running process, and whatever stands in it, calls go on being counted."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.agent_process import AgentProcess, free_port

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: null}}
endpoints:
  {endpoint}: {{match: {{service.name: shop}}}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


class Reloaded:
    """An agent, and what a test does to it."""

    def __init__(self, agent: AgentProcess, http: int) -> None:
        self.agent = agent
        self.http = http
        self._calls = 0

    def call(self, service: str = "shop") -> None:
        """Send one call of a model; it is taken, or this raises."""
        self._calls += 1
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.finish_reasons": "stop",
        }
        span = {
            "traceId": f"{self._calls:032x}",
            "spanId": f"{self._calls:016x}",
            "startTimeUnixNano": "1790000000000000000",
            "endTimeUnixNano": "1790000001000000000",
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
        with httpx.Client(trust_env=False, timeout=10) as client:
            client.post(f"http://127.0.0.1:{self.http}/v1/traces", json=body).raise_for_status()

    def said(self, text: str) -> int:
        """Return how many lines of the log hold a text."""
        return sum(text in line for line in self.agent.log)

    def reload(self, text: str, until: str) -> None:
        """Write the file, send SIGHUP, and wait until the log says something once more."""
        before = self.said(until)
        (self.agent.folder / "driftline.yaml").write_text(text)
        self.agent.process.send_signal(signal.SIGHUP)
        self.agent.until(lambda: self.said(until) > before)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Reloaded]:
    """An agent that has counted one call of the endpoint `one`."""
    http, metrics = free_port(), free_port()
    agent = AgentProcess(tmp_path, CONFIG.format(http=http, metrics=metrics, endpoint="one"), metrics)
    agent.start()
    try:
        found = Reloaded(agent, http)
        found.call()
        agent.until(lambda: agent.total("driftline_requests_total", endpoint="one") == 1)
        yield found
    finally:
        agent.stop()


def test_a_new_file_takes_the_place_of_the_old_one(running: Reloaded) -> None:
    """The same process goes on with the new endpoints, and no counter begins anew."""
    agent = running.agent
    pid = agent.process.pid
    running.reload(agent.text.replace("  one:", "  two:"), until="ready:")

    running.call()
    agent.until(lambda: agent.total("driftline_requests_total", endpoint="two") == 1)
    assert agent.total("driftline_requests_total") == 2
    assert (agent.process.pid, agent.process.poll()) == (pid, None)


def test_a_file_with_a_fault_is_refused(running: Reloaded) -> None:
    """One line says what is wrong with it; the listeners never close."""
    agent = running.agent
    running.reload(agent.text.replace("match:", "mtach:"), until="the old one stays")

    running.call()
    agent.until(lambda: agent.total("driftline_requests_total", endpoint="one") == 2)
    assert running.said("mtach: unknown key") == 1
    assert running.said("ready:") == 1


def test_a_file_that_cannot_be_used_gives_way_to_the_old_one(running: Reloaded) -> None:
    """A port that is taken shows only when it is tried: then the configuration before is in force again."""
    agent = running.agent
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running.reload(agent.text.replace(f":{running.http}", f":{taken.getsockname()[1]}"), until="ready:")

    running.call()
    agent.until(lambda: agent.total("driftline_requests_total", endpoint="one") == 2)
    assert running.said("back to the old one") == 1
