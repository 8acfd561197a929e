"""Collected data is followed in a real Blob Storage emulator: every row once, whatever happens to its blobs."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from azure.storage.blob import ContainerClient

from agent.config import Columns, Reference
from agent.errors import Transient
from agent.plain import pack, unpack
from agent.rows.pair import RowJoiner
from agent.sources import Context
from agent.sources.azureml_blobs import AzuremlBlobs
from agent.sources.azureml_container import Container
from detectors.types import Batch, Category

Make = Callable[..., Context]
Dropped = Callable[[Context], dict[str, int]]

COLUMNS = Columns(timestamp="time", id="correlationid", prediction="y")


@dataclass
class Account:
    """An endpoint's collected data, and driftline reading it."""

    client: ContainerClient
    connection: str
    make: Make
    clock: Any
    context: Context = field(init=False)
    cursor: Any = None
    joiner: RowJoiner = field(init=False)
    unpaired: int = 0

    def __post_init__(self) -> None:
        self.context = self.make(columns=COLUMNS)
        self.joiner = RowJoiner(self.lost)

    def lost(self, _reason: str, rows: int) -> None:
        """Count halves that were given up."""
        self.unpaired += rows

    def source(self, **options: Any) -> AzuremlBlobs:
        """Return the source."""
        return AzuremlBlobs(self.client.container_name, "delay", connection_string=self.connection, **options)

    def path(self, collection: str, hour: datetime | None = None, deployment: str = "blue", instance: str = "i1") -> str:
        """Return the name of a blob."""
        return f"modelDataCollector/delay/{deployment}/model_{collection}/{hour or self.clock.time:%Y/%m/%d/%H}/{instance}.jsonl"

    def append(self, path: str, content: bytes) -> None:
        """Append to a blob, making it first where needed."""
        blob = self.client.get_blob_client(path)
        if not blob.exists():
            blob.create_append_blob()
        blob.append_block(content)

    def write(self, correlation: str, count: int = 1, parts: str = "inputs outputs", **where: Any) -> None:
        """Append one event of so many rows to each collection."""
        for part in parts.split():
            self.append(self.path(part, **where), line(part, correlation, count, where.get("hour") or self.clock.time))

    def poll(self, **options: Any) -> list[tuple[float, str | None, float]]:
        """Poll as the agent does, storing the cursor; return x, deployment and prediction of each whole row."""
        found = []
        for poll in self.source(**options).poll(self.context, self.cursor):
            self.cursor = unpack(pack(poll.cursor))
            for batch in poll.batches:
                found += rows(self.joiner.push(batch, self.clock.time.timestamp()))
        return found


def line(part: str, correlation: str, count: int, time: datetime) -> bytes:
    """Return a stored event as Azure documents it."""
    data = [{"x": index, "name": "a"} if part == "inputs" else {"y": index / 2} for index in range(count)]
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/subscriptions/s/onlineEndpoints/delay/deployments/blue",
        "type": f"azureml.inference.model_{part}",
        "datacontenttype": "application/json",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data,
        "contentrange": "bytes 0-1/2",
        "correlationid": correlation,
        "xrequestid": correlation,
        "modelversion": "default",
        "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/1.0.0",
    }
    return json.dumps(event).encode() + b"\n"


def rows(batches: Iterable[Batch]) -> list[tuple[float, str | None, float]]:
    """Return x, deployment and prediction of each row; NaN where there is no prediction."""
    found: list[tuple[float, str | None, float]] = []
    for batch in batches:
        deployment = batch.columns["deployment"]
        assert isinstance(deployment, Category)
        xs = np.asarray(batch.features["x"]).tolist()
        predictions = np.asarray(batch.columns.get("prediction", np.full(batch.rows, np.nan))).tolist()
        found += zip(xs, deployment.decode(), predictions, strict=True)
    return found


def expected(count: int) -> list[tuple[float, str, float]]:
    """Return what an event of so many rows becomes."""
    return [(index, "blue", index / 2) for index in range(count)]


@pytest.fixture
def account(azurite_connection: str, context_of: Make, clock: Any) -> Iterator[Account]:
    """Yield a container of its own."""
    with ContainerClient.from_connection_string(azurite_connection, f"c{uuid4().hex}") as client:
        client.create_container()
        yield Account(client, azurite_connection, context_of, clock)


def test_inputs_and_outputs_become_whole_rows_once(account: Account) -> None:
    """Each appended pair of events comes once, joined by correlation and position, with the time of its line."""
    account.write("one", 3)
    assert account.poll() == expected(3)
    assert account.poll() == []
    account.write("two", 2)
    assert account.poll() == expected(2)
    assert account.unpaired == 0


def test_a_line_gives_time_id_and_deployment(account: Account) -> None:
    """`time` and `correlationid` name what the line says; ids are unique in an event."""
    account.write("one", 3)
    polls = list(account.source().poll(account.context, None))
    (batch,) = [row for poll in polls for part in poll.batches for row in account.joiner.push(part, 0)]
    assert set(np.asarray(batch.columns["time"]).tolist()) == {int(account.clock.time.timestamp()) * 10**9}
    assert len(set(np.asarray(batch.columns["id"]).tolist())) == 3
    assert not {"part", "pair"} & set(batch.columns)


def test_half_a_line_waits_for_its_rest(account: Account) -> None:
    """A line cut anywhere is no row until its end is there."""
    content = line("inputs", "one", 2, account.clock.time)
    account.write("one", 2, parts="outputs")
    for part in (content[:40], content[40:-1]):
        account.append(account.path("inputs"), part)
        assert account.poll() == []
    account.append(account.path("inputs"), content[-1:])
    assert account.poll() == expected(2)


def test_an_unended_line_counts_once_its_folder_is_complete(account: Account) -> None:
    """Nobody appends to a folder an hour after its end; what stands there is all there will be."""
    account.write("one", 1, parts="outputs")
    account.append(account.path("inputs"), line("inputs", "one", 1, account.clock.time)[:-1])
    assert account.poll() == []
    account.clock.time += timedelta(hours=2)
    assert account.poll() == expected(1)
    assert account.poll() == []


def test_new_folders_are_found_and_old_ones_forgotten(account: Account) -> None:
    """Hour after hour, with late writes into the hour before; the cursor holds only what may still grow."""
    for hour in range(6):
        account.write(f"hour {hour}", 1)
        if hour:
            account.write(f"late {hour}", 1, hour=account.clock.time - timedelta(hours=1))
        assert len(account.poll()) == (2 if hour else 1)
        account.clock.time += timedelta(hours=1)
    account.poll()
    assert len(account.cursor["blobs"]) <= 4
    assert account.poll() == []


def test_an_agent_that_was_away_reads_what_it_missed(account: Account) -> None:
    """After a pause of two days every hour is read, in order, once."""
    account.write("before", 1)
    assert len(account.poll()) == 1
    for hour in range(48):
        account.clock.time += timedelta(hours=1)
        account.write(f"away {hour}", 1, deployment=("blue", "green")[hour % 2])
    assert len(account.poll()) == 48
    assert account.poll() == []
    assert account.poll() == []


def test_a_restart_in_the_middle_loses_and_doubles_nothing(account: Account) -> None:
    """Cursor and joiner of any moment continue exactly there."""
    for number in range(60):
        account.write(f"event {number}", 600)
    whole = account.poll()
    assert whole == expected(600) * 60
    account.cursor, account.joiner = None, RowJoiner(account.lost)
    found: list[Any] = []
    polls = 0
    while True:
        step = next(iter(account.source().poll(account.context, account.cursor)), None)
        if step is None:
            break
        polls += 1
        account.cursor = unpack(pack(step.cursor))
        account.joiner = RowJoiner(account.lost, saved=unpack(pack(account.joiner.plain())))
        for batch in step.batches:
            found += rows(account.joiner.push(batch, account.clock.time.timestamp()))
    assert polls > 4
    assert sorted(found) == sorted(whole)


def test_a_blob_that_vanishes_is_counted_and_the_others_go_on(account: Account, dropped_in: Dropped) -> None:
    """Retention may delete anything at any time."""
    account.write("one", 1, instance="a")
    account.write("one-b", 1, instance="b")
    account.poll()
    account.append(account.path("inputs", instance="a"), b'{"half')
    account.poll()
    account.client.delete_blob(account.path("inputs", instance="a"))
    account.write("two", 1, instance="b")
    assert account.poll() == expected(1)
    assert dropped_in(account.context) == {"vanished": 1}


def test_a_blob_deleted_between_listing_and_reading_is_no_error(account: Account, dropped_in: Dropped) -> None:
    """The race with retention ends in a counter."""
    for instance in ("a", "b", "c"):
        account.write(instance, 1, instance=instance)
    polls = account.source().poll(account.context, None)
    found = [*next(polls).batches]
    account.client.delete_blob(account.path("inputs", instance="b"))
    account.client.delete_blob(account.path("outputs", instance="b"))
    found += [batch for poll in polls for batch in poll.batches]
    assert sorted(rows([row for batch in found for row in account.joiner.push(batch, 0)])) == expected(1) * 2
    assert dropped_in(account.context)["vanished"] == 2


def test_a_blob_made_anew_is_read_from_its_start(account: Account) -> None:
    """A shorter blob of the same name is another one."""
    account.write("one", 5)
    assert len(account.poll()) == 5
    for part in ("inputs", "outputs"):
        account.client.delete_blob(account.path(part))
    account.write("two", 1)
    assert account.poll() == expected(1)


def test_a_blob_cut_short_while_it_is_read_is_no_error(account: Account) -> None:
    """A range past the end of a blob that was made anew since the listing: the next poll reads the new one."""
    for instance in ("a", "b"):
        account.write(f"{instance} 1", 3, instance=instance)
    assert len(account.poll()) == 6
    for instance in ("a", "b"):
        account.write(f"{instance} 2", 3, instance=instance)
    polls = account.source().poll(account.context, account.cursor)
    taken = [next(polls)]
    for part in ("inputs", "outputs"):
        account.client.delete_blob(account.path(part, instance="b"))
        account.write("b 3", 1, parts=part, instance="b")
    taken += polls
    found = [row for poll in taken for batch in poll.batches for row in account.joiner.push(batch, 0)]
    assert rows(found) == expected(3)
    account.cursor = unpack(pack(taken[-1].cursor))
    assert account.poll() == expected(1)


def test_broken_lines_are_counted_and_the_rest_is_read(account: Account, dropped_in: Dropped) -> None:
    """One poison line costs that line."""
    account.append(account.path("inputs"), b'{"type": 7}\nnot json\n{"type": "azureml.inference.model_inputs", "data": {"no": "list"}}\n')
    account.write("one", 2)
    assert account.poll() == expected(2)
    assert dropped_in(account.context) == {"broken_line": 1, "no_type": 1, "no_records": 1}


def test_rows_too_large_for_a_line_are_fetched_only_from_this_container(account: Account, dropped_in: Dropped) -> None:
    """An address outside the container is refused: it would send the agent's credential wherever a line says."""
    root = account.client.url
    account.append("modelDataCollector/raw/1.json", json.dumps([{"x": 0, "name": "a"}, {"x": 1, "name": "b"}]).encode())
    addresses = [
        "http://169.254.169.254/metadata",
        root.replace("127.0.0.1", "localhost") + "/x",
        f"{root}-other/raw/1.json",
        f"{root}/gone",
    ]
    for number, address in enumerate([*addresses, f"{root}/modelDataCollector/raw/1.json"]):
        event = json.loads(line("inputs", f"one {number}", 0, account.clock.time))
        del event["data"]
        account.append(account.path("inputs"), json.dumps({**event, "dataref": address}).encode() + b"\n")
    account.write("one 4", 2, parts="outputs")
    assert account.poll() == expected(2)
    assert dropped_in(account.context) == {"dataref_refused": 3, "dataref_missing": 1}


def test_a_backlog_pairs_within_the_bound(account: Account) -> None:
    """Inputs and outputs of a long backlog are read side by side, so few of them ever wait for each other."""
    for number in range(40):
        account.write(f"event {number}", 500)
    account.joiner = RowJoiner(account.lost, limit=12_000)
    assert len(account.poll()) == 20_000
    assert account.unpaired == 0


def test_history_reads_the_span_before_now_joined(account: Account) -> None:
    """56 days are as many rows as were written, inputs and outputs joined across hours; older ones stay away."""
    now = account.clock.time
    for day in (0.1, 1.0, 20.0, 55.0, 57.0):
        account.write(f"day {day}", 2, hour=now - timedelta(days=day))
    account.write("over the hour", 1, parts="inputs", hour=now - timedelta(hours=3))
    account.write("over the hour", 1, parts="outputs", hour=now - timedelta(hours=2))
    found = rows(account.source().history(account.context, timedelta(days=56)))
    assert sorted(found) == sorted(expected(2) * 4 + expected(1))


def test_nothing_is_left_between_history_and_the_first_poll(account: Account, context_of: Make) -> None:
    """History ends where the open window begins; with windows longer than `since` the first poll goes back to there."""
    day = account.clock.time.replace(hour=0, minute=30)
    later = account.clock.time
    for moment in (day - timedelta(hours=1), day, later - timedelta(minutes=5)):
        account.clock.time = moment
        account.write(f"at {moment}", 1)
    account.clock.time = later
    found = {}
    for name, reference in (("alone", Reference()), ("with history", Reference(history=timedelta(days=1)))):
        context = context_of(columns=COLUMNS, window=timedelta(days=1), reference=reference)
        times = [batch.columns["time"] for poll in account.source().poll(context, None) for batch in poll.batches]
        found[name] = sorted({int(time) for part in times for time in np.asarray(part)})
    seconds = [int(moment.timestamp()) * 10**9 for moment in (day, later - timedelta(minutes=5))]
    assert found == {"alone": seconds[1:], "with history": seconds}


def test_all_there_ever_was_is_found_without_listing_every_day(account: Account) -> None:
    """A replay asks for centuries; only the months that are there are looked into."""
    for months in range(0, 30, 7):
        account.write(f"{months}", 1, hour=account.clock.time - timedelta(days=30 * months))
    account.clock.time += timedelta(days=365 * 230)
    assert rows(account.source().history(account.context, timedelta(days=365 * 250))) == expected(1) * 5


def test_one_collection_needs_no_pairing(account: Account) -> None:
    """Where whole rows are collected together, nothing waits."""
    account.write("one", 2, parts="inputs")
    found = account.poll(collections=("model_inputs",))
    assert [row[0] for row in found] == [0, 1]
    assert account.joiner.plain() == {"waiting": []}


@pytest.mark.parametrize(("rate", "folder"), [("minute", "%Y/%m/%d/%H/%M"), ("day", "%Y/%m/%d"), ("month", "%Y/%m"), ("year", "%Y")])
def test_every_rolling_rate_is_followed_once(account: Account, rate: str, folder: str) -> None:
    """Folders of other lengths than an hour are found, and none is read twice."""
    for number in range(8):
        for part in ("inputs", "outputs"):
            path = f"modelDataCollector/delay/blue/model_{part}/{account.clock.time.strftime(folder)}/i.jsonl"
            account.append(path, line(part, f"{number}", 1, account.clock.time))
        assert account.poll(rolling_rate=rate) == expected(1)
        account.clock.time += timedelta(minutes=25)
    assert account.poll(rolling_rate=rate) == []


def test_what_azure_refuses_is_told_with_the_way_out(account: Account) -> None:
    """A missing container and a wrong key name the container and what to do, and may be tried again."""
    wrong = AzuremlBlobs("not-there", "delay", connection_string=account.connection)
    with pytest.raises(Transient, match=r"container not-there at 127\.0\.0\.1:.* is not there"):
        list(wrong.poll(account.context, None))
    key = account.connection.replace("AccountKey=Eby8", "AccountKey=AAAA")
    with pytest.raises(Transient, match="Storage Blob Data Reader"):
        list(AzuremlBlobs(account.client.container_name, "delay", connection_string=key).poll(account.context, None))


def test_an_account_is_reached_with_the_agents_identity() -> None:
    """A name stands for Azure's public cloud; nothing is sent before the first poll."""
    assert Container.connect("https://mlprod.blob.core.windows.net", None, "store").url == "https://mlprod.blob.core.windows.net/store"
    assert AzuremlBlobs("store", "delay", account="mlprod").address == "https://mlprod.blob.core.windows.net"
    assert AzuremlBlobs("store", "delay", account_url="https://x.blob.core.chinacloudapi.cn").address.endswith(".cn")


@pytest.mark.parametrize(
    "options",
    [{}, {"account": "a", "account_url": "https://a"}, {"account": "a", "collections": ()}, {"account": "a", "collections": ("x", "x")}],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any]) -> None:
    """One way to reach the account, one or two collections."""
    with pytest.raises(ValueError, match=r"give one of|must name"):
        AzuremlBlobs("c", "delay", **options)
