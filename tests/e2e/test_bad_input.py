"""A stranger sends everything a running agent should not choke on; good traffic beside it is scored as if nothing were."""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # the package ships no types
import pytest
from pyarrow import parquet

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze
from tests.fakes.stranger import JSON, PROTOBUF, Client, bomb, empty_spans, nested, spans

SECRET = "Zimtstern-7731"

CONFIG = """
interval: 1s
spool: {{max_bytes: 64MiB}}
sources:
  otlp: {{http: "127.0.0.1:{otlp}"}}
  collector: {{http: "127.0.0.1:{collector}", endpoint: scoring}}
endpoints:
  chat: {{match: {{service.name: chat}}, window: 2s, allowed_lateness: 0s}}
  scoring: {{match: {{driftline.endpoint: scoring}}, window: 2s, allowed_lateness: 0s}}
  growing:
    source: {{files: {{path: "growing/*", every: 300ms, settle: 1h}}}}
    columns: {{timestamp: at}}
    window: 2s
    allowed_lateness: 0s
  tables:
    source: {{files: {{path: "tables/*.parquet", every: 300ms, settle: 0s}}}}
    columns: {{timestamp: at}}
    window: 2s
    allowed_lateness: 0s
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  azure_monitor: {{connection_string: "{azure}"}}
"""

DROPPED = "driftline_agent_dropped_total"


class Running:
    """The agent, the ways into it, and what it sent to Azure."""

    def __init__(self, agent: AgentProcess, breeze: Breeze) -> None:
        self.agent = agent
        self.folder = agent.folder
        self.breeze = breeze
        self.otlp = Client(agent.ports["otlp"])
        self.collector = Client(agent.ports["collector"])

    def dropped(self, reason: str, **labels: str) -> float:
        """Return how much was dropped for a reason."""
        return self.agent.total(DROPPED, reason=reason, **labels)

    def rises(self, reason: str, work: Callable[[], object], by: float = 1, **labels: str) -> Any:
        """Do something and wait until that much more was dropped; return what the work returned."""
        before = self.dropped(reason, **labels)
        answer = work()
        self.agent.until(lambda: self.dropped(reason, **labels) == before + by)
        return answer

    def close(self) -> None:
        """Let connections go."""
        self.otlp.close()
        self.collector.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One agent for the whole module."""
    folder = tmp_path_factory.mktemp("agent")
    (folder / "growing").mkdir()
    (folder / "tables").mkdir()
    ports = {name: free_port() for name in ("otlp", "collector", "metrics")}
    with Breeze().serve() as breeze:
        agent = AgentProcess(folder, CONFIG.format(**ports, azure=breeze.connection_string), ports["metrics"], ports=ports)
        agent.start()
        found = Running(agent, breeze)
        try:
            yield found
        finally:
            found.close()
            agent.stop()


def now() -> int:
    """Return the time in nanoseconds."""
    return time.time_ns()


def moment(ago: timedelta = timedelta(0)) -> str:
    """Return a whole second as rows carry it."""
    return (datetime.now(UTC) - ago).replace(microsecond=0).isoformat()


def table(rows: int, **columns: Any) -> pa.Table:
    """Return rows of one second with a number and a category, or other columns."""
    usual = {
        "at": [moment()] * rows,
        "amount": [float(row) for row in range(rows)],
        "branch": ["north", "south"] * (rows // 2) + ["north"] * (rows % 2),
    }
    return pa.table({name: values for name, values in {**usual, **columns}.items() if values is not None})


ANSWERS: dict[str, tuple[str, Any, dict[str, str], int, str]] = {
    "random bytes": ("/v1/traces", os.urandom(300), PROTOBUF, 400, "malformed"),
    "length beyond the body": ("/v1/traces", b"\x0a\xff\x01", PROTOBUF, 400, "malformed"),
    "a group without end": ("/v1/traces", b"\x0b", PROTOBUF, 400, "malformed"),
    "text that is not UTF-8": (
        "/v1/traces", spans([{"gen_ai.prompt": "ok"}], 10**18).SerializeToString().replace(b"ok", b"\xff\xfe"), PROTOBUF, 400, "malformed",
    ),
    "a span for a log": ("/v1/logs", spans([{}], 10**18).SerializeToString()[:-3], PROTOBUF, 400, "malformed"),
    "garbage after a gzip header": ("/v1/traces", b"\x1f\x8b\x08" + os.urandom(99), {**PROTOBUF, "Content-Encoding": "gzip"}, 400, "malformed"),
    "half a gzip": ("/v1/traces", gzip.compress(os.urandom(999))[:500], {**PROTOBUF, "Content-Encoding": "gzip"}, 400, "malformed"),
    "bytes after a gzip": ("/v1/traces", gzip.compress(b"") + b"x", {**PROTOBUF, "Content-Encoding": "gzip"}, 400, "malformed"),
    "a bomb": ("/v1/traces", bomb(), {**PROTOBUF, "Content-Encoding": "gzip"}, 413, "too_large"),
    "a million empty spans": ("/v1/traces", empty_spans(1_000_000), {**PROTOBUF, "Content-Encoding": "gzip"}, 413, "too_large"),
    "5 MiB": ("/v1/traces", bytes(5 * 1024 * 1024), PROTOBUF, 413, "too_large"),
    "5 MiB without a length": ("/v1/traces", [bytes(65536)] * 80, PROTOBUF, 413, "too_large"),
    "plain text": ("/v1/traces", SECRET.encode(), {"Content-Type": "text/plain"}, 415, "unsupported"),
    "no type": ("/v1/traces", b"{}", {}, 415, "unsupported"),
    "brotli": ("/v1/traces", b"{}", {**JSON, "Content-Encoding": "br"}, 415, "unsupported"),
    "gzip in gzip": ("/v1/traces", b"{}", {**JSON, "Content-Encoding": "gzip, gzip"}, 415, "unsupported"),
    "no JSON": ("/v1/traces", f'{{"{SECRET}"'.encode(), JSON, 400, "malformed"),
    "NaN in JSON": ("/v1/traces", b'{"resourceSpans": [{"x": NaN}]}', JSON, 400, "malformed"),
    "a byte order mark": ("/v1/traces", b"\xef\xbb\xbf{}", JSON, 400, "malformed"),
    "a lone surrogate": ("/v1/traces", b'{"resourceSpans": [{"x": "\\ud800"}]}', JSON, 400, "malformed"),
    "depth 100,000": ("/v1/traces", b'{"resourceSpans":' + nested(100_000) + b"}", JSON, 400, "malformed"),
    "a browser": ("/v1/traces", b"{}", {**JSON, "Origin": "http://evil.example"}, 403, "forbidden_host"),
    "another name": ("/v1/traces", b"{}", {**JSON, "Host": "evil.example"}, 403, "forbidden_host"),
    "another path": (f"/v1/{SECRET}", b"{}", JSON, 404, "unknown_path"),
}  # fmt: skip


COLLECTED: dict[str, tuple[Any, dict[str, str], int, str]] = {
    "half a list": (b"[1, 2", {**JSON, "ce-type": "azureml.inference.model_inputs"}, 400, "malformed"),
    "no records": (b"[1, 2]", {**JSON, "ce-type": "azureml.inference.model_inputs"}, 400, "malformed"),
    "NaN": (b'[{"a": NaN}]', {**JSON, "ce-type": "azureml.inference.model_inputs"}, 400, "malformed"),
    "no collection": (b"[]", JSON, 400, "malformed"),
    "CSV": (b"a,b", {"Content-Type": "text/csv", "ce-type": "azureml.inference.model_inputs"}, 415, "unsupported"),
}


def test_each_bad_request_has_its_answer_and_its_count(running: Running) -> None:
    """Status and reason as documented; no answer repeats anything of what was sent."""
    wrong: dict[str, int] = {}
    expected: Counter[tuple[str, str]] = Counter()
    sent = [(name, running.otlp, "otlp", *request) for name, request in ANSWERS.items()]
    sent += [(name, running.collector, "collector", "/modeldata/log", *request) for name, request in COLLECTED.items()]
    for name, client, source, path, body, headers, status, reason in sent:
        answer = client.post(path, iter(body) if isinstance(body, list) else body, headers)
        expected[source, f"request_{reason}"] += 1
        if answer.status_code != status or SECRET in answer.text:
            wrong[name] = answer.status_code

    assert wrong == {}
    running.agent.until(lambda: {known: running.dropped(known[1], source=known[0]) for known in expected} == expected)


def test_records_that_break_the_protocol_are_told_of(running: Running) -> None:
    """One span of three has a short id: 200, one rejected, two counted."""
    request = spans([{}, {}, {}], now())
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = b"abc"
    before = running.agent.total("driftline_requests_total", endpoint="chat")

    answer = running.rises("invalid_id", lambda: running.otlp.spans(request), source="otlp")

    assert answer.status_code == 200
    assert b"invalid_id" in answer.content
    running.agent.until(lambda: running.agent.total("driftline_requests_total", endpoint="chat") == before + 2)


def test_clocks_that_are_wrong_are_mended_and_counted(running: Running) -> None:
    """Ten days ahead, the year 2262, no time at all, an end before the start: counted now, told."""
    agent = running.agent
    before = agent.total("driftline_requests_total", endpoint="chat")
    skew = agent.total("driftline_agent_clock_skew_total", endpoint="chat")
    request = spans([{}] * 4, now())
    ahead, far, none, backwards = request.resource_spans[0].scope_spans[0].spans
    ahead.end_time_unix_nano += 10 * 86_400 * 10**9
    far.end_time_unix_nano = 2**64 - 1
    none.end_time_unix_nano = none.start_time_unix_nano = 0
    backwards.start_time_unix_nano += 10**10

    assert running.otlp.spans(request).status_code == 200

    agent.until(lambda: agent.total("driftline_requests_total", endpoint="chat") == before + 4)
    agent.until(lambda: agent.total("driftline_agent_clock_skew_total", endpoint="chat") == skew + 1)
    agent.until(lambda: agent.total("driftline_agent_adjusted_total", reason="negative_duration") >= 1)
    agent.until(lambda: agent.total("driftline_agent_adjusted_total", reason="time_out_of_range") >= 1)


def test_odd_values_are_calls_like_others(running: Running) -> None:
    """Control characters, a megabyte, ten thousand attributes, tokens that are no numbers: all counted, none believed."""
    agent = running.agent
    before = agent.total("driftline_requests_total", endpoint="chat")
    odd = "\x1b[31m\r\nERROR forged\x00{{7*7}}=cmd()"
    calls: list[dict[str, Any]] = [
        {"gen_ai.prompt": f"{odd} {SECRET}", "gen_ai.request.model": f"model{odd}"},
        {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": SECRET * 80_000}]}])},
        {f"gen_ai.odd.{number}": "x" for number in range(10_000)},
        {"": "x", "gen_ai." + "k" * 1_000_000: "x"},
        {"gen_ai.request.model": "m" * 200_000},
        {"gen_ai.usage.input_tokens": float("nan"), "gen_ai.usage.output_tokens": float("inf")},
        {"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": 2**63 - 1},
        {"gen_ai.usage.input_tokens": SECRET, "error.type": f"{SECRET} {odd}"},
    ]
    tokens = agent.total("driftline_tokens_total", endpoint="chat")

    for number, call in enumerate(calls):
        assert running.otlp.spans(spans([call], now() + number)).status_code == 200

    agent.until(lambda: agent.total("driftline_requests_total", endpoint="chat") == before + len(calls))
    added = agent.total("driftline_tokens_total", endpoint="chat") - tokens
    assert 0 <= added < float("inf")
    page = agent.scrape()
    assert "\x1b" not in page
    assert "\x00" not in page
    assert max(map(len, page.splitlines())) < 4000
    assert not any("ERROR forged" in line and not line.startswith("20") for line in agent.log)


def test_files_that_cannot_be_read_are_told_and_the_others_go_on(running: Running) -> None:
    """Garbage, half a line, other shapes and types, a file that goes away: each counted with its reason."""
    growing, tables, agent = running.folder / "growing", running.folder / "tables", running.agent
    (growing / "a.csv").write_text(f"at,amount,branch\n{moment()},1.5,north\n{moment()},2.5,south\n{moment()},3")
    agent.until(lambda: rows_of(agent, "growing") == 2)
    with (growing / "a.csv").open("a") as file:
        file.write(".5,north\n")
    agent.until(lambda: rows_of(agent, "growing") == 3)

    (growing / "a.csv").unlink()
    (growing / "b.csv").write_bytes(os.urandom(5000))
    (growing / "c.csv").write_text(f"at,amount\nyesterday,1\n{moment()},2\n")
    (growing / "d.csv").write_text(f"at,amount\n{moment()},1,2,3\n{moment()},2\n")
    (growing / "e.jsonl").write_text(f'{{"at": "{moment()}", "amount": 2}}\n{{"at": "{SECRET}\n')
    (growing / "f.csv").write_text(f"at,amount,branch\n{moment()},many,\n{moment()},inf,\n{moment()},nan,\n")
    (growing / "g.csv").write_text(f"at,amount,branch\n{moment(-timedelta(days=10))},4,north\n")
    (tables / "a.parquet").write_bytes(b"PAR1" + os.urandom(900) + b"PAR1")
    parquet.write_table(table(5, at=None), tables / "b.parquet")
    parquet.write_table(table(6, amount=None), tables / "c.parquet")
    parquet.write_table(table(7, amount=pa.nulls(7), branch=["same"] * 7), tables / "d.parquet")
    parquet.write_table(table(8, amount=["many"] * 8), tables / "e.parquet")
    parquet.write_table(table(3, amount=[float("nan"), float("inf"), -float("inf")]), tables / "f.parquet")

    lost = {
        ("files/growing", "unreadable_file"): 1,
        ("files/growing", "no_time"): 1,
        ("files/growing", "ragged"): 1,
        ("files/growing", "broken_line"): 1,
        ("files/tables", "unreadable_file"): 2,
    }
    agent.until(lambda: {known: running.dropped(known[1], source=known[0]) for known in lost} == lost)
    agent.until(lambda: (rows_of(agent, "growing"), rows_of(agent, "tables")) == (3 + 1 + 1 + 1 + 3 + 1, 6 + 7 + 8 + 3))
    agent.until(lambda: agent.total("driftline_agent_clock_skew_total", endpoint="growing") == 1)
    assert any("b.csv" in line and "is not UTF-8 text" in line for line in agent.log)
    assert any("b.parquet" in line and "has no column 'at'" in line for line in agent.log)


def rows_of(agent: AgentProcess, endpoint: str) -> float:
    """Return how many rows of an endpoint's own source came in."""
    return agent.total("driftline_agent_received_total", source=f"files/{endpoint}")


def test_good_traffic_is_scored_as_if_nothing_had_been(running: Running) -> None:
    """After all of it every endpoint gets its scores, and nothing was lost to a fault."""
    agent = running.agent
    before = agent.total("driftline_requests_total", endpoint="chat")
    # A little ahead, so that no window closes before its rows were read.
    when = moment(-timedelta(seconds=4))
    parquet.write_table(table(41, at=[when] * 41), running.folder / "tables" / "z.parquet")
    (running.folder / "growing" / "z.csv").write_text("at,amount,branch\n" + "".join(f"{when},{row},north\n" for row in range(42)))
    rows = [{"amount": float(row), "branch": "north"} for row in range(43)]
    assert running.collector.rows("model_inputs", "last", rows).status_code == 200
    assert running.collector.rows("model_outputs", "last", [{"score": 0.5} for _ in rows]).status_code == 200
    assert running.otlp.spans(spans([{"gen_ai.input.messages": SECRET}] * 44, now(), name="last")).status_code == 200

    scored = {
        "tables": ("driftline_data_rows", 41),
        "growing": ("driftline_data_rows", 42),
        "scoring": ("driftline_data_rows", 43),
    }
    seen: set[str] = set()

    def all_scored() -> bool:
        seen.update(endpoint for endpoint, (name, value) in scored.items() if agent.total(name, endpoint=endpoint) == value)
        # Gauges of windows this short are soon stale, so each is looked for from the start.
        if agent.total("driftline_request_duration_p50_seconds", endpoint="chat", deployment="gpt-4o") > 0:
            seen.add("chat")
        return seen == {*scored, "chat"}

    agent.until(all_scored)
    agent.until(lambda: agent.total("driftline_requests_total", endpoint="chat") == before + 44)
    assert running.dropped("fault") == 0
    assert [line for line in agent.log if "Traceback" in line] == []


def test_no_text_of_a_prompt_is_anywhere(running: Running) -> None:
    """Not in spool or store, not in the log, on the page, or in what Azure was sent."""
    running.breeze.wait_for(lambda envelopes: any("driftline.requests" in json.dumps(one) for one in envelopes))
    state = running.folder / "driftline-state"
    held = [path for path in state.rglob("*") if path.is_file()]
    assert {"store.sqlite"} <= {path.name for path in held}

    assert [path for path in held if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in running.agent.scrape()
    assert SECRET not in "\n".join(running.agent.log)
    assert SECRET not in json.dumps(running.breeze.envelopes)


def test_names_without_end_do_not_fill_the_memory(running: Running) -> None:
    """Fifty thousand models and a thousand services: series stay few, and memory bounded."""
    agent = running.agent
    before = agent.total("driftline_requests_total")

    for block in range(5):
        models = [{"gen_ai.request.model": f"model-{block}-{number}"} for number in range(10_000)]
        assert running.otlp.spans(spans(models, now()), zipped=True).status_code == 200
        services = spans([], now())
        for number in range(200):
            services.resource_spans.append(spans([{}], now(), service=f"service-{block}-{number}").resource_spans[0])
        assert running.otlp.spans(services).status_code == 200

    agent.until(lambda: agent.total("driftline_requests_total") == before + 5 * 10_200, 60)
    counted = [dict(labels) for (name, labels) in agent.samples() if name == "driftline_requests_total"]
    assert len({labels["deployment"] for labels in counted}) < 60
    assert len({labels["endpoint"] for labels in counted}) < 210
    assert resident(agent) < 400 * 2**20


def resident(agent: AgentProcess) -> int:
    """Return bytes of memory in use."""
    return int(Path(f"/proc/{agent.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
