"""Work that others ask of the engine's thread: done between frames, saved, refused while it cannot be done."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agent.assembly import build_pipeline
from agent.clock import WallClock
from agent.config import Config
from agent.engine import Engine
from agent.errors import ConfigError, Unavailable
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.references import References
from agent.series import Series
from agent.spool.position import START
from agent.spool.spool import Spool
from agent.store.store import Store

Prepare = Callable[[Callable[[], bool]], References]


def at_once(_: Callable[[], bool]) -> References:
    """Build no reference."""
    return References()


@contextmanager
def engine_in(folder: Path, prepare: Prepare = at_once) -> Iterator[Engine]:
    """An engine that is not started yet."""
    config, clock = Config(state=folder), WallClock()
    with Store(folder / "store.sqlite") as store:
        pipeline = build_pipeline(config, clock, store, references={}, origins={}, real_time=True)
        spool = Spool(folder / "spool", config.spool)
        engine = Engine(
            pipeline, spool, store, Series(), clock,
            position=START, increments=Increments(), sinks=[], prepare=prepare, begin=lambda _: None,
        )  # fmt: skip
        yield engine
        engine.stop(1.0)


def test_it_is_done_in_the_thread_of_the_engine(tmp_path: Path) -> None:
    """Nobody else touches the pipeline; what the work gave, or raised, comes back, and the engine goes on."""

    def fail(_: Pipeline) -> None:
        raise ConfigError("endpoint: unknown 'a'")

    with engine_in(tmp_path) as engine:
        engine.start()
        engine.tick(20)
        until_reading(engine)
        assert engine.ask(lambda _: threading.current_thread().name) == "engine"
        with pytest.raises(ConfigError, match="unknown 'a'"):
            engine.ask(fail)
        assert engine.ask(lambda pipeline: pipeline is engine.pipeline) is True


def test_nothing_is_done_while_references_are_built(tmp_path: Path) -> None:
    """There are no streams yet that could be changed: come back later."""
    release = threading.Event()

    def slow(_: Callable[[], bool]) -> References:
        release.wait(20)
        return References()

    with engine_in(tmp_path, slow) as engine:
        engine.start()
        with pytest.raises(Unavailable, match="still building its references"):
            engine.ask(lambda _: None)
        release.set()
        until_reading(engine)


def test_an_engine_that_ended_says_so(tmp_path: Path) -> None:
    """At once, not after a minute: the agent is ending, and whoever asks must not hold it up."""
    with engine_in(tmp_path) as engine:
        engine.start()
        engine.stop()
        with pytest.raises(Unavailable, match="it is ending"):
            engine.ask(lambda _: None, 600)


def test_an_engine_without_time_did_nothing(tmp_path: Path) -> None:
    """What was given up on is not done later, behind the back of whoever was told that it was not."""
    done: list[int] = []
    with engine_in(tmp_path) as engine:
        with pytest.raises(Unavailable, match="had no time for it within 0 s"):
            engine.ask(lambda _: done.append(1), 0.1)
        engine.start()
        until_reading(engine)
    assert done == []


def until_reading(engine: Engine) -> None:
    """Ask until the engine has begun to read."""
    pause, found = threading.Event(), False
    for _ in range(400):
        with suppress(Unavailable):
            found = engine.ask(lambda _: True)
        if found:
            return
        pause.wait(0.05)
    pytest.fail("it never began")
