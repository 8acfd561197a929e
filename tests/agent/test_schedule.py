"""Timed work runs at once and again, its failures are counted, and the end waits for it, but not for ever."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent.schedule import Schedule
from agent.series import Series

NEVER = timedelta(hours=1)


def outcomes(series: Series) -> dict[str, float]:
    return {
        dict(point.attributes)["outcome"]: point.value for point in series.totals(datetime.now(UTC)) if isinstance(point.value, float | int)
    }


def counted(series: Series) -> None:
    """Wait until something is."""
    deadline, pause = time.monotonic() + 10, threading.Event()
    while not outcomes(series) and time.monotonic() < deadline:
        pause.wait(0.01)


def test_the_first_run_is_now_and_the_end_waits_for_it() -> None:
    """A job added with an hour between runs has run once when `stop` returns, though it was still busy."""

    async def scenario() -> bool:
        schedule, busy, go, done = Schedule(Series()), threading.Event(), threading.Event(), threading.Event()

        def job() -> None:
            busy.set()
            go.wait(10)
            done.set()

        schedule.start()
        schedule.every(NEVER, "job", job)
        assert await asyncio.to_thread(busy.wait, 10)
        go.set()
        return await schedule.stop() and done.is_set()

    assert asyncio.run(scenario())


def test_one_that_hangs_is_not_waited_for() -> None:
    """A poll stuck in somebody's server holds up neither the heart nor the end."""
    hang, beaten = threading.Event(), threading.Event()

    async def scenario() -> bool:
        schedule = Schedule(Series(), threads=1)
        schedule.start()
        for number in range(3):
            schedule.every(NEVER, f"poll {number}", lambda: (hang.wait(30), None)[1], outside=True)
        schedule.every(NEVER, "tick", beaten.set)
        assert await asyncio.to_thread(beaten.wait, 10)
        return await schedule.stop(0.1)

    assert asyncio.run(scenario()) is False
    hang.set()


def test_a_failure_is_counted_and_its_words_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the job, the kind of error and the place."""
    series, failed = Series(), threading.Event()

    def job() -> None:
        failed.set()
        raise ValueError("secret")

    async def scenario() -> None:
        schedule = Schedule(series)
        schedule.start()
        schedule.every(NEVER, "job", job)
        assert await asyncio.to_thread(failed.wait, 10)
        await asyncio.to_thread(counted, series)
        await schedule.stop()

    asyncio.run(scenario())

    assert outcomes(series) == {"failed": 1}
    ours = [record.getMessage() for record in caplog.records if record.name == "agent.schedule"]
    assert len(ours) == 1
    assert "job failed: ValueError at job:" in ours[0]
    assert "secret" not in ours[0]
