"""The leak self-test: the configuration runs once more beside itself, each source is sent secrets, and everything is searched for them."""

import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from agent.admin.client import ask
from agent.config import Config
from agent.config_file import load
from agent.doctor.receiver import receiver
from agent.doctor.rehearsal import Place, agent, copy, pulled
from agent.doctor.remark import Remark
from agent.doctor.searching import commands, files
from agent.doctor.seeds import Seeds, is_known
from agent.doctor.sending import Sender, Sending
from agent.errors import ConfigError, DriftlineError

RECORDS = 1_000
"""Records for each source."""
_SPAN = 2_000_000_000
"""Nanoseconds of a window of the rehearsal."""
_NEVER = ("the log", "/metrics")
"""Where no text may stand, whatever the content mode."""
_PATIENCE = 60.0
"""Seconds until what was sent has to be counted."""


def leaks(config: Config, environment: Mapping[str, str], records: int = RECORDS) -> Iterator[Remark]:
    """Send `records` with secrets to each source of a copy of the configuration, and say where any was found again.

    The copy has a state folder, ports and receivers of its own, on this machine; the running agent and its sinks notice nothing.
    Raises ConfigError where no source can be rehearsed, Unavailable where the copy does not start.
    """
    import httpx  # noqa: PLC0415 - only asked for

    with tempfile.TemporaryDirectory(prefix="driftline-leaks-") as folder, receiver() as outside:
        place = Place(Path(folder), outside, {})
        copied = copy(config, place)
        if not copied["sources"] and not any("source" in one for one in copied["endpoints"].values()):
            raise ConfigError("doctor --leaks: there is no source that can be rehearsed, so nothing can be sent")
        (place.folder / "driftline.yaml").write_text(yaml.safe_dump(copied), "utf-8")
        with agent(place, environment) as log, httpx.Client(trust_env=False, timeout=30) as client:

            def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
                client.post(url, content=body, headers=dict(headers)).raise_for_status()

            moment = (time.time_ns() // _SPAN + 2) * _SPAN + 1_000_000
            sendings = Sender(config, place, records, moment, post).sendings()
            seeds = Seeds({one.to: one.numbers for one in sendings})
            for one in sendings:
                one.send()
            page = f"http://127.0.0.1:{place.port('page')}/metrics"
            missing = _until_counted(lambda: client.get(page).text, sendings, moment)
            said = {"/metrics": client.get(page).text, "answers of the admin socket": str(_asked(place.folder / "state"))}
        said["the log"] = "\n".join(log)
        said |= files(place.folder, place.folder / "given")
        said |= commands(load(place.folder / "driftline.yaml", environment))
        said["what was sent to judges, web hooks and Azure"] = outside.text(seeds)
        kept = {one.to for one in sendings if one.kept}
    yield from _told(said, seeds, missing, kept)
    yield from _left_out(config)


def _told(said: Mapping[str, str], seeds: Seeds, missing: Mapping[str, int], kept: Collection[str]) -> Iterator[Remark]:
    """Say of each place which secrets stand there."""
    clean = True
    for place, text in said.items():
        for source, secrets in seeds.found(text).items():
            found = {one for one in secrets if is_known(one)} if source in kept and place not in _NEVER else secrets
            if not found:
                continue
            clean = False
            kinds = " and ".join(sorted({"known secrets" if is_known(one) else "unknown text" for one in found}))
            yield Remark(
                "error",
                f"{place} holds {len(found)} of what {len(seeds.shares[source]):,} records for {source} carried ({kinds})",
                "take what is meant out of redact: {keep: …}; otherwise report it: nothing may stand there",
            )
    for source, records in missing.items():
        yield Remark(
            "error",
            f"{records:,} records for {source} were not counted, so the rehearsal says little",
            "driftline doctor --leaks once more",
        )
    if clean and not missing:
        sources = ", ".join(dict.fromkeys(source.partition(" (")[0] for source in seeds.shares))
        yield Remark("fine", f"{seeds.records:,} records with secrets in every text ({sources}): nothing found again in {len(said)} places")


def _left_out(config: Config) -> Iterator[Remark]:
    for endpoint in config.endpoints.values():
        if endpoint.source is not None and pulled(endpoint) is None:
            yield Remark("note", f"endpoints.{endpoint.name}.source was not rehearsed: nobody knows here what a stranger's source reads")


def _until_counted(page: Callable[[], str], sendings: Sequence[Sending], moment: int) -> dict[str, int]:
    """Wait until all is counted and the window of it is judged; return what is still missing, by source."""
    deadline, pause = time.monotonic() + _PATIENCE, threading.Event()
    while True:
        missing = _missing(page().splitlines(), sendings)
        if time.monotonic() > deadline or (not missing and time.time_ns() > moment + 3 * _SPAN):
            return missing
        pause.wait(0.25)


def _missing(lines: Sequence[str], sendings: Sequence[Sending]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for one in sendings:
        wanted[one.counted_as] = wanted.get(one.counted_as, 0) + one.counts
    found = {}
    for source, count in wanted.items():
        metric, label = ("driftline_agent_received_total{", f'source="{source}"') if source else ("driftline_requests_total{", "")
        told = sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric) and label in line)
        if told < count:
            found[source or "otlp (calls)"] = int(count - told)
    return found


def _asked(state: Path) -> Mapping[str, object] | None:
    try:
        return ask(state, "status", {})
    except DriftlineError as error:
        return {"error": str(error)}
