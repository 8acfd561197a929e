"""Signals, second agents, taken ports and full disks: the running agent goes on, or ends as documented."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze, refuse
from tests.fakes.stranger import Client, spans

CONFIG = """
interval: 1s
sources: {{otlp: {{http: "127.0.0.1:{otlp}"}}}}
endpoints: {{chat: {{match: {{service.name: chat}}, window: 2s}}}}
sinks: {{prometheus: {{listen: "127.0.0.1:{metrics}"}}}}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent that is not started yet."""
    ports = {"otlp": free_port(), "metrics": free_port()}
    process = AgentProcess(tmp_path, CONFIG.format(**ports), ports["metrics"], ports=ports)
    yield process
    process.stop()


def reload(agent: AgentProcess, text: str) -> None:
    """Write another configuration and tell the agent of it."""
    (agent.folder / "driftline.yaml").write_text(text)
    agent.process.send_signal(signal.SIGHUP)


def send(agent: AgentProcess, calls: int, service: str = "chat") -> None:
    """Send calls and see them taken."""
    client = Client(agent.ports["otlp"])
    assert client.spans(spans([{}] * calls, time.time_ns(), service=service)).status_code == 200
    client.close()


def requests(agent: AgentProcess, **labels: str) -> float:
    """Return how many calls were counted."""
    return agent.total("driftline_requests_total", **labels)


def test_a_bad_configuration_is_refused_and_a_good_one_taken_up(agent: AgentProcess) -> None:
    """What is wrong at sight, and what only shows when tried, leaves the old one in force; nothing acknowledged is lost."""
    agent.start()
    send(agent, 7)

    reload(agent, "sources: {otlp: {htp: 1}}\nworld: 1\n")
    agent.wait_for_line("the old one stays: " + str(agent.folder / "driftline.yaml") + ": world: unknown key")
    other = free_port()
    blocker = AgentProcess(agent.folder / "blocker", CONFIG.format(otlp=other, metrics=free_port()), 0)
    blocker.folder.mkdir()
    blocker.start()
    try:
        reload(agent, agent.text.replace(str(agent.ports["otlp"]), str(other)))
        agent.wait_for_line("the new configuration cannot be used, back to the old one: sources.otlp.http: cannot listen on")
    finally:
        assert blocker.stop() == 0
    agent.until(lambda: "ready:" in agent.log[-1] or requests(agent) == 7)
    send(agent, 5)
    agent.until(lambda: requests(agent) == 12)

    metrics = free_port()
    text = agent.text.replace(str(agent.metrics_port), str(metrics)).replace(
        "endpoints: {", "endpoints: {shop: {match: {service.name: shop}}, "
    )
    send(agent, 3)
    agent.log.clear()
    reload(agent, text)
    agent.wait_for_line("ready: 2 endpoints")
    agent.metrics_port = metrics
    send(agent, 4, "shop")
    agent.until(lambda: (requests(agent, endpoint="chat"), requests(agent, endpoint="shop")) == (15, 4))
    assert agent.process.poll() is None


def test_a_word_to_end_is_never_lost(agent: AgentProcess) -> None:
    """SIGTERM right behind SIGHUP ends the agent, it does not start again."""
    agent.start()
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_for_line("anew")
    assert agent.stop(10) == 0
    assert len([line for line in agent.log if "ready:" in line]) == 1


def test_it_ends_in_time_although_azure_takes_nothing(agent: AgentProcess) -> None:
    """A sink that answers 500 to everything holds nothing up, and what it did not take waits on the disk."""
    with Breeze(replies=[refuse(500)] * 1000).serve() as breeze:
        agent.text = agent.text.replace("sinks: {", f'sinks: {{azure_monitor: {{connection_string: "{breeze.connection_string}"}}, ')
        agent.start()
        send(agent, 9)
        agent.wait_for_line("sink azure_monitor: ")
        started = time.monotonic()

        assert agent.stop() == 0
        assert time.monotonic() - started < 10


def test_a_second_agent_names_the_first(agent: AgentProcess) -> None:
    """Two agents on one state folder would count everything twice: the second ends with 4, and says who is there."""
    agent.start()
    answer = driftline("run", "-c", str(agent.folder / "driftline.yaml"))

    assert answer.returncode == 4
    assert f"{agent.folder / 'driftline-state'} is in use by process {agent.process.pid}" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["http", "grpc"])
def test_a_taken_port_is_one_line(agent: AgentProcess, option: str) -> None:
    """The port is named, with exit code 4 and nothing else but the log."""
    agent.start()
    other = agent.folder / "other"
    other.mkdir()
    address = f"127.0.0.1:{agent.ports['otlp']}"
    rest = "" if option == "http" else "http: null, "
    (other / "driftline.yaml").write_text(f'sources: {{otlp: {{{rest}{option}: "{address}"}}}}\n')

    answer = driftline("run", "-c", str(other / "driftline.yaml"))

    assert answer.returncode == 4
    assert f"driftline: sources.otlp.{option}: cannot listen on {address}" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_asks_to_come_back_and_recovers(agent: AgentProcess, tmp_path: Path) -> None:
    """503 with Retry-After while the disk is full; what was acknowledged before is there, and it goes on by itself."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("this system mounts no small disk")
    client = Client(agent.ports["otlp"])
    try:
        agent.text += f"state: {disk}/state\nspool: {{min_free_bytes: 1MiB, max_bytes: 16MiB, segment_bytes: 1MiB}}\n"
        agent.start()
        send(agent, 6)
        agent.until(lambda: requests(agent) == 6)
        with (disk / "ballast").open("wb") as file:
            for _ in range(64):
                try:
                    file.write(bytes(2**20))
                    file.flush()
                except OSError:
                    break
        full = client.spans(spans([{}] * 5, time.time_ns()))
        assert full.status_code == 503
        assert int(full.headers["Retry-After"]) >= 1
        assert agent.process.poll() is None

        (disk / "ballast").unlink()
        agent.until(lambda: client.spans(spans([{}], time.time_ns())).status_code == 200)
        send(agent, 8)
        agent.until(lambda: requests(agent) == 6 + 1 + 8)
        assert agent.stop(20) == 0
    finally:
        client.close()
        agent.stop()
        subprocess.run(["umount", str(disk)], check=True)


def driftline(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([sys.executable, "-P", "-m", "agent", *arguments], check=False, capture_output=True, text=True, timeout=30)
