"""What a rehearsal sends: every source of a configuration is given records with secrets, in the form it takes."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from agent.clock import from_nanoseconds
from agent.config import Config, Endpoint
from agent.doctor import seeded_calls, seeded_rows
from agent.doctor.rehearsal import TOKEN, Place, pulled
from agent.routing import MatchRouter
from agent.sources.azureml_blobs import AzuremlBlobs
from agent.sources.collector import Collector
from agent.sources.collector_http import PATH
from agent.sources.collector_intake import ENDPOINT
from agent.sources.files import Files
from agent.sources.labels import LabelIntake
from agent.sources.otlp.source import Otlp

SERVICE = "driftline-leaks"
_AT_ONCE = 100
_SERVICES = {"traces": "trace", "logs": "logs", "metrics": "metrics"}
_DEPTHS = {"year": 1, "month": 2, "day": 3, "hour": 4, "minute": 5}


@dataclass(frozen=True, slots=True)
class Sending:
    """Records for one source."""

    to: str
    """The source, for people."""
    numbers: range
    counted_as: str
    """What the agent calls it; empty where it counts the calls."""
    counts: int
    """How many records it makes of them."""
    send: Callable[[], None]
    kept: bool = False
    """Whether the configuration wants its texts on disk: then only what a pattern knows must not be there."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Makes the sendings of a configuration; what is put into files and blobs is there once `given` was called."""

    config: Config
    place: Place
    records: int
    """For each source."""
    moment: int
    """Event time of the records, nanoseconds."""
    post: Callable[[str, bytes, Mapping[str, str]], None]
    """Takes address, body and headers; raises where it is refused."""

    def sendings(self) -> list[Sending]:
        """Return what to send, numbers in turn; labels come after what they are about."""
        found: list[Sending] = []
        for name, source in self.config.sources.items():
            if isinstance(source, Otlp):
                found += self._otlp(name, source, found)
            elif isinstance(source, Collector):
                found.append(self._collector(name, source, self._next(found)))
        for endpoint in self.config.endpoints.values():
            if pulled(endpoint) is not None:
                found.append(self._pulled(endpoint, self._next(found)))
        for name, source in self.config.sources.items():
            if isinstance(source, LabelIntake):
                found += self._labels(name, source, found)
        return found

    def _next(self, found: Sequence[Sending], records: int | None = None) -> range:
        first = found[-1].numbers.stop if found else 0
        return range(first, first + (self.records if records is None else records))

    def _otlp(self, name: str, source: Otlp, before: Sequence[Sending]) -> list[Sending]:
        called = [one for one in self.config.endpoints.values() if one.source is None]
        ways = [kind for kind in ("http", "grpc") if getattr(source, kind) is not None]
        found: list[Sending] = []
        for endpoint in called:
            for way in ways:
                share = max(self.records // (len(called) * len(ways)), 1)
                resource = endpoint.match or {"service.name": SERVICE}
                put = partial(self._put, name, way)
                for signal in ("calls", "metrics"):
                    numbers = self._next([*before, *found], share)
                    send = partial(self._calls if signal == "calls" else self._measures, put, resource, numbers)
                    to = f"{name} over {way} ({signal} of {endpoint.name})"
                    found.append(Sending(to, numbers, "" if signal == "calls" else name, share, send, endpoint.content == "sampled"))
        return found

    def _calls(self, put: Callable[[str, Any], None], resource: Mapping[str, str], numbers: range) -> None:
        for signal, request in zip(("traces", "logs"), seeded_calls.calls(resource, numbers, self.moment), strict=True):
            put(signal, request)

    def _measures(self, put: Callable[[str, Any], None], resource: Mapping[str, str], numbers: range) -> None:
        put("metrics", seeded_calls.measures(resource, numbers, self.moment))

    def _put(self, name: str, way: str, signal: str, request: Any) -> None:
        port = self.place.port(f"{name}.{way}")
        if way == "http":
            headers = {"Content-Type": "application/x-protobuf"}
            self.post(f"http://127.0.0.1:{port}/v1/{signal}", request.SerializeToString(), headers)
            return
        import grpc  # noqa: PLC0415 - only where it is listened to

        package = f"opentelemetry.proto.collector.{_SERVICES[signal]}.v1"
        method = f"/{package}.{_SERVICES[signal].capitalize()}Service/Export"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            channel.unary_unary(method)(request.SerializeToString(), timeout=30)

    def _rows(self, endpoint: Endpoint, numbers: range) -> list[dict[str, Any]]:
        drawn = endpoint.enrichers.enrichers.items() if endpoint.enrichers is not None else ()
        texts = [column for name, enricher in drawn if name.partition("/")[0] == "text" for column in enricher.columns]
        return [seeded_rows.row(number, endpoint.columns, self.moment, texts) for number in numbers]

    def _collector(self, name: str, source: Collector, numbers: range) -> Sending:
        return Sending(name, numbers, name, len(source.collections) * len(numbers), partial(self._collect, name, source, numbers))

    def _collect(self, name: str, source: Collector, numbers: range) -> None:
        matched = next((one.match for one in self.config.endpoints.values() if one.source is None and one.match), {})
        attributes = {ENDPOINT: source.endpoint} if source.endpoint is not None else dict(matched)
        endpoint = MatchRouter(self.config).route(attributes, "")
        extra = {} if source.endpoint is not None else {f"ce-{key}": value for key, value in matched.items()}
        rows = self._rows(endpoint, numbers)
        parts = seeded_rows.halves(rows, endpoint.columns) if len(source.collections) > 1 else (rows,)
        url = f"http://127.0.0.1:{self.place.port(f'{name}.http')}{PATH}"
        for start in range(0, len(rows), _AT_ONCE):
            about = {"ce-time": str(self.moment // 1_000_000_000), "ce-x-request-id": f"{start}-{rows[start]['customer']}"}
            for collection, part in zip(source.collections, parts, strict=True):
                headers = {"Content-Type": "application/json", "ce-type": f"azureml.inference.{collection}", "ce-deployment": "blue"}
                self.post(url, json.dumps(part[start : start + _AT_ONCE]).encode(), headers | about | extra)

    def _pulled(self, endpoint: Endpoint, numbers: range) -> Sending:
        source = endpoint.source
        if isinstance(source, AzuremlBlobs):
            send, parts = partial(self._blobs, endpoint, source, numbers), len(source.collections)
        else:
            send, parts = partial(self._files, endpoint, source, numbers), 2 if source.format == "collector" else 1
        kind = type(source).__name__.lower()
        return Sending(f"{kind} of {endpoint.name}", numbers, f"{kind}/{endpoint.name}", parts * len(numbers), send)

    def _files(self, endpoint: Endpoint, source: Files, numbers: range) -> None:
        folder = self.place.files(endpoint.name)
        folder.mkdir(parents=True)
        forms = ("csv", "jsonl", "parquet") if source.format == "auto" else (source.format,)
        share = -(-len(numbers) // len(forms))
        for place, form in enumerate(forms):
            rows = self._rows(endpoint, numbers[place * share : (place + 1) * share])
            if form == "parquet":
                seeded_rows.parquet(rows, folder / "rows.parquet")
            elif form == "collector":
                for name, text in seeded_rows.collected(rows, endpoint.columns, ("model_inputs", "model_outputs"), self.moment).items():
                    (folder / f"{name}.jsonl").write_text(text, "utf-8")
            else:
                (folder / f"rows.{form}").write_text(seeded_rows.csv_text(rows) if form == "csv" else seeded_rows.json_lines(rows), "utf-8")

    def _blobs(self, endpoint: Endpoint, source: AzuremlBlobs, numbers: range) -> None:
        base = f"{source.container}/{source.prefix.strip('/')}/{source.endpoint}/{source.deployment or 'blue'}"
        period = "/".join(f"{from_nanoseconds(self.moment):%Y/%m/%d/%H/%M}".split("/")[: _DEPTHS[source.rolling_rate]])
        collected = seeded_rows.collected(self._rows(endpoint, numbers), endpoint.columns, source.collections, self.moment)
        for name, text in collected.items():
            self.place.outside.blobs[f"{base}/{name}/{period}/instance.jsonl"] = text.encode()

    def _labels(self, name: str, source: LabelIntake, before: Sequence[Sending]) -> Iterator[Sending]:
        expecting = [one for one in self.config.endpoints.values() if one.labels is not None]
        found: list[Sending] = []
        for endpoint in expecting:
            calls = endpoint.source is None
            about = [number for one in before for number in one.numbers if endpoint.name in one.to.replace(")", " ").split(" ")]
            for way in ("posted", "folder") if source.folder is not None else ("posted",):
                numbers = self._next([*before, *found], max(self.records // (2 * len(expecting)), 1))
                told = seeded_rows.labels(numbers, about, self.moment, calls=calls and bool(endpoint.sampled))
                send = partial(self._post_labels if way == "posted" else self._put_labels, name, endpoint.name, told)
                found.append(Sending(f"{name} {way} (of {endpoint.name})", numbers, name, len(numbers), send))
        yield from found

    def _post_labels(self, name: str, endpoint: str, told: Sequence[Mapping[str, Any]]) -> None:
        url = f"http://127.0.0.1:{self.place.port(f'{name}.http')}/labels/{quote(endpoint, safe='')}"
        self.post(url, json.dumps(told).encode(), {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})

    def _put_labels(self, _: str, endpoint: str, told: Sequence[Mapping[str, Any]]) -> None:
        folder = self.place.inbox / endpoint
        folder.mkdir(parents=True)
        (folder / "labels.csv").write_text(seeded_rows.csv_text(told), "utf-8")
