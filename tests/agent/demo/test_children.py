"""Tests that no process outlives the demo."""

import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types
import pytest

from agent.demo.children import Children
from agent.errors import Unavailable

_TIMEOUT = 30.0


def test_processes_end_with_the_block(tmp_path: Path) -> None:
    """An error in the block ends them too, and what they said is in their log."""
    with pytest.raises(KeyboardInterrupt), Children(tmp_path, os.environ) as children:  # noqa: PT012 (the block is what is tested)
        child = children.start("look-alike", ["agent.demo.look_alike", "0"], {})
        line = child.wait_for("port ", _TIMEOUT)
        raise KeyboardInterrupt

    assert child.process.poll() is not None
    assert not psutil.pid_exists(child.process.pid)
    assert (tmp_path / "look-alike.log").read_text() == f"{line}\n"


def test_nothing_starts_once_the_block_has_ended(tmp_path: Path) -> None:
    """A thread that comes late cannot leave a process behind."""
    with Children(tmp_path, os.environ) as children:
        pass

    with pytest.raises(Unavailable, match="the demo ends"):
        children.start("late", ["agent.demo.look_alike", "0"], {})


def test_a_process_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    """The log is named, so nobody has to guess."""
    with Children(tmp_path, os.environ) as children:
        child = children.start("agent", ["agent", "run", "-c", str(tmp_path / "none.yaml")], {})

        with pytest.raises(Unavailable, match=r"agent did not start; see .*agent\.log: driftline: .*none\.yaml: no such file"):
            child.wait_for("ready:", _TIMEOUT)


def test_children_inherit_neither_proxies_nor_exporters(tmp_path: Path) -> None:
    """Whatever the machine is set to, the demo talks to itself."""
    environment = {**os.environ, "HTTPS_PROXY": "http://192.0.2.1:3128", "OTEL_TRACES_EXPORTER": "console"}
    with Children(tmp_path, environment) as children:
        child = children.start("look-alike", ["agent.demo.look_alike", "0"], {})
        child.wait_for("port ", _TIMEOUT)
        inherited = psutil.Process(child.process.pid).environ()

    assert not {"HTTPS_PROXY", "OTEL_TRACES_EXPORTER"} & inherited.keys()
    assert inherited["DO_NOT_TRACK"] == "1"
