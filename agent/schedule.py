"""Timed work on APScheduler: late runs still run, overlapping ones are skipped, and every failure is counted."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from apscheduler.events import (  # type: ignore[import-untyped] # APScheduler 3 has no types
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped] # as above
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped] # as above

from agent.clock import WallClock
from agent.faults import place_of
from agent.series import Series
from detectors.catalog import AGENT_JOBS

_log = logging.getLogger(__name__)

_OUTCOMES = {EVENT_JOB_ERROR: "failed", EVENT_JOB_MISSED: "missed", EVENT_JOB_MAX_INSTANCES: "overlapped"}


class Schedule:
    """Runs functions in threads at intervals. Progress lives in our own store, so jobs are kept in memory only.

    What may hang on somebody else's server (`outside`) has threads of its own: the heart must not wait for them.
    """

    def __init__(self, series: Series, threads: int = 8) -> None:
        self._series = series
        self._threads = ThreadPoolExecutor(threads)
        self._outside = ThreadPoolExecutor(threads)
        # APScheduler drops runs that are a second late by default; a monitor must not skip its own checks.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            executors={"default": self._threads, "outside": self._outside},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._count, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def every(self, interval: timedelta, name: str, function: Callable[[], None], *, jitter: bool = True, outside: bool = False) -> None:
        """Run `function` now and then every `interval`, with up to a tenth of it (at most 10 s) of jitter."""
        seconds = interval.total_seconds()
        self._scheduler.add_job(
            function,
            "interval",
            seconds=seconds,
            jitter=min(0.1 * seconds, 10) if jitter else None,
            id=name,
            name=name,
            executor="outside" if outside else "default",
            next_run_time=WallClock().now(),
            replace_existing=True,
        )

    def forget(self, name: str) -> None:
        """Stop running a job."""
        self._scheduler.remove_job(name)

    def names(self) -> list[str]:
        """Return the names of all jobs."""
        return [job.id for job in self._scheduler.get_jobs()]

    def start(self) -> None:
        """Start inside the running event loop."""
        self._scheduler.start()

    async def stop(self, seconds: float = 10.0) -> bool:
        """Start nothing more and wait for what runs, so long at most; return whether all of it ended.

        APScheduler itself would not wait.
        """
        if not self._scheduler.running:
            return True
        self._scheduler.pause()
        loop = asyncio.get_running_loop()
        ended = [loop.create_future() for _ in (self._threads, self._outside)]
        for pool, future in zip((self._threads, self._outside), ended, strict=True):
            # Threads of our own: the loop's would be waited for at its end.
            threading.Thread(target=_shut, args=(pool, loop, future), name="schedule-stop", daemon=True).start()
        _, late = await asyncio.wait(ended, timeout=seconds)
        self._scheduler.shutdown(wait=False)
        return not late

    def _count(self, event: JobExecutionEvent | JobSubmissionEvent) -> None:
        outcome = _OUTCOMES[event.code]
        self._series.add(AGENT_JOBS, job=event.job_id, outcome=outcome)
        if isinstance(event, JobExecutionEvent) and event.exception is not None:
            _log.error("job %s failed: %s at %s", event.job_id, type(event.exception).__name__, place_of(event.exception))


def _shut(pool: Any, loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[None]") -> None:
    pool.shutdown(wait=True)
    with suppress(RuntimeError):  # the loop did not wait so long
        loop.call_soon_threadsafe(_settle, ended)


def _settle(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)
