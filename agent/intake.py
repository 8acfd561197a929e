"""The way into the spool for listeners and polls."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.content.stage import ContentStage, without_text
from agent.errors import DriftlineError, SpoolFull
from agent.faults import place_of
from agent.redaction.masking import MANY, Masks
from agent.seldom import Seldom
from agent.series import Series
from agent.sources import Clock, Context, Poll, PullSource
from agent.spool.frame import Frame, encode
from agent.spool.spool import Spool
from detectors.catalog import AGENT_SOURCE_ERRORS
from detectors.types import Batch, Category, Plain

_log = logging.getLogger(__name__)


class Intake:
    """Puts batches into the spool; returns when they are durable. No text goes further than `content` lets it."""

    def __init__(self, spool: Spool, clock: Clock, content: ContentStage | None = None, masks: Masks | None = None) -> None:
        """Without `content` every text is dropped; without `masks` of its own every category is looked at as if nothing were configured."""
        self._spool = spool
        self._clock = clock
        self._content = content
        self._masks = masks or Masks(Endpoint)

    async def emit(self, batches: Sequence[Batch], source: str) -> None:
        """Take what a listener received. Raises SpoolFull: nothing was taken."""
        received = to_nanoseconds(self._clock.now())
        bare = [without_text(batch) for batch in batches] if self._content is None else await self._content.take(batches)
        masked = await asyncio.to_thread(self._masked, bare, source) if _distinct(bare) > MANY else self._masked(bare, source)
        await self._spool.append([encode(Frame(batch, source, None, received)) for batch in masked])

    def put(self, poll: Poll, source: str) -> None:
        """Take one chunk of a poll; the cursor stands in its last frame. Raises SpoolFull."""
        received = to_nanoseconds(self._clock.now())
        # A poll brings rows and no prompts; should a stranger's source bring any, they go no further.
        batches = self._masked([without_text(batch) for batch in poll.batches], source)
        frames = [encode(Frame(batch, source, None, received)) for batch in batches[:-1]]
        last = batches[-1] if batches else None
        self._spool.append_blocking([*frames, encode(Frame(last, source, poll.cursor, received))])

    def _masked(self, batches: Sequence[Batch], source: str) -> list[Batch]:
        return [self._masks.batch(batch, source) for batch in batches]


def _distinct(batches: Sequence[Batch]) -> int:
    """Return how many distinct categories batches bring."""
    columns = (column for batch in batches for group in (batch.columns, batch.features) for column in group.values())
    return sum(len(column.values) for column in columns if isinstance(column, Category))


class Poller:
    """Asks one pull source for what is new; run by the schedule, never twice at once."""

    def __init__(self, source: PullSource, context: Context, intake: Intake, cursor: Plain | None, series: Series) -> None:
        self._source = source
        self._context = context
        self._intake = intake
        self._cursor = cursor
        self._series = series
        self._seldom = Seldom()
        self._stopped = False

    def poll(self) -> None:
        """Move everything new to the spool. A source that fails is told of, counted, and asked again next time."""
        name = self._context.name
        try:
            for chunk in self._source.poll(self._context, self._cursor):
                self._intake.put(chunk, name)
                self._cursor = chunk.cursor
                if self._stopped:
                    return
        except SpoolFull as error:
            self._tell(name, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other sources are asked, and this one again
            self._series.add(AGENT_SOURCE_ERRORS, source=name)
            self._tell(name, str(error) if isinstance(error, DriftlineError) else f"{type(error).__name__} at {place_of(error)}")
        else:
            if self._seldom.over(name):
                _log.info("source %s: answers again", name)

    def stop(self) -> None:
        """Let a `poll` that runs in another thread end after its present chunk; the rest comes at the next start."""
        self._stopped = True

    def _tell(self, name: str, reason: str) -> None:
        if self._seldom.may(name):
            _log.warning("source %s: %s; asking again", name, reason)


def cursors(spooled: Mapping[str, Plain], saved: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return where each source goes on: what is in the spool is newer than what is in the store."""
    return {**saved, **spooled}
