"""Accepting and going back: with a living pipeline and without, across kills, and every refusal."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from agent.baselines.asked import Accept, Chosen, Exclude
from agent.baselines.excluding import exclude
from agent.baselines.keeping import keep
from agent.baselines.wording import accepted_lines
from agent.config import Config, Reference
from agent.errors import ConfigError, DriftlineError, TooLittleData, Transient
from agent.store.store import Store
from detectors.catalog import CHANGES
from detectors.types import Stream
from tests.fakes.lived import AT, DAY, FIXED, LIVE, MODEL, START, Lived, Ways, accept_shifted, asleep, living, on


@pytest.mark.parametrize("way", [living, asleep])
def test_what_was_accepted_is_quiet_and_survives_a_kill(drifted: Lived, way: Ways) -> None:
    """The next window resolves the alert, before a restart and after; the same with the agent running and without."""
    lines = accept_shifted(drifted, way)
    drifted.kill()
    assert {window.day for window in drifted.state().windows} == {on(number).toordinal() for number in range(10, 20)}
    drifted.days(20, 21, shift=1.5)
    assert not drifted.firing()
    resolved = next(event for event in drifted.events() if event.state == "resolved")
    assert resolved.time <= START + timedelta(days=20, hours=8)
    drifted.days(21, 24)
    assert drifted.firing()
    assert lines[0].startswith("model/default (live): accepted baseline model@default, version 2: ")
    assert "  fixed reference: status calibrated: 59 windows on 10 days" in lines
    assert lines[-1] == "  back: driftline baseline accept model --deployment default --version 1"


def test_the_running_stream_takes_it_up_at_once(drifted: Lived) -> None:
    """Without a restart the next closed window is judged by it, and the window that was open loses no row."""
    accept_shifted(drifted)
    assert len(drifted.state().windows) == 59
    drifted.days(20, 21, shift=1.5)
    assert not drifted.firing()
    window = next(one for one in drifted.store.windows("model", AT + 19 * DAY + DAY * 5 // 6, AT + 20 * DAY))
    rows = window.value["profiles"]["drift"]["counts"]["rows"]
    assert rows.tolist() == [100]


def test_an_event_says_what_was_accepted(drifted: Lived) -> None:
    """It stands in boards beside the other changes, once, with both names."""
    accept_shifted(drifted)
    (event,) = (event for event in drifted.events() if event.kind == "change")
    assert (event.name, event.attributes["deployment"]) == ("reference", "default")
    assert event.details == {"old": "live windows", "new": "model@default 2"}


@pytest.mark.parametrize("way", [living, asleep])
def test_an_earlier_version_undoes_it(drifted: Lived, way: Ways) -> None:
    """Version 1 is what was there before, with its rolling reference; the alert fires again, and the days since are not lost."""
    before = drifted.state()
    accept_shifted(drifted, way)
    drifted.kill()
    drifted.days(20, 22, shift=1.5)
    found = way(drifted).accept(Accept(Chosen("model"), version=1))
    drifted.kill()
    assert found[0].before == "model@default 2"
    assert drifted.state().windows == before.windows
    assert drifted.state().rolling is not None
    drifted.days(22, 24, shift=1.5)
    assert drifted.firing()
    third = way(drifted).accept(Accept(Chosen("model", first=on(20), last=on(23))))
    assert third[0].record.version == 3
    assert len(third[0].state.windows) == 23


def test_a_kill_between_store_and_memory_is_mended_by_the_start(drifted: Lived) -> None:
    """The record is what counts: nothing was saved after the acceptance, and the stream begins from it all the same."""
    accept_shifted(drifted)
    drifted.store.close()
    drifted.start()
    assert len(drifted.state().windows) == 59
    drifted.days(20, 21, shift=1.5)
    assert not drifted.firing()
    drifted.kill()
    assert len(drifted.state().windows) >= 59
    assert set(drifted.state().pieces()) == {
        key.rsplit("drift/", 1)[1] for key, _ in drifted.store.items("piece/model/default/live/drift/")
    }


def test_another_reference_in_the_configuration_wins_again(drifted: Lived, tmp_path: Path) -> None:
    """An acceptance is newer than what the file says, until the file says something else; changing it back brings nothing back."""
    accept_shifted(drifted)
    drifted.save()
    train = tmp_path / "train.csv"
    train.write_text("x,c\n" + "0.1,a\n-0.1,b\n" * 1500)
    drifted.config = Config(endpoints={"model": replace(FIXED, reference=Reference(file=train, pages="fixed"))})
    drifted.kill()
    drifted.days(20, 21)
    assert not drifted.state().windows or drifted.state().windows[0].day == on(20).toordinal()
    assert all(known.file is not None for known in drifted.state().cells)
    drifted.config = Config(endpoints={"model": FIXED})
    drifted.kill()
    drifted.days(21, 22)
    assert drifted.pipeline.beginnings.own == {}


def test_other_options_leave_it_in_force(drifted: Lived) -> None:
    """A changed budget makes all states begin anew: this stream from what was accepted."""
    accept_shifted(drifted)
    drifted.save()
    drifted.config = Config(endpoints={"model": replace(FIXED, allowed_lateness=timedelta(minutes=1))})
    drifted.kill()
    drifted.days(20, 21, shift=1.5)
    assert drifted.state().windows[0].day == on(10).toordinal()


def test_windows_of_another_length_cannot_be_used(drifted: Lived, caplog: pytest.LogCaptureFixture) -> None:
    """The log says why the configuration's reference is taken instead."""
    accept_shifted(drifted)
    drifted.save()
    drifted.config = Config(endpoints={"model": replace(FIXED, window=timedelta(hours=1))})
    drifted.kill()
    assert drifted.pipeline.beginnings.own == {}
    assert "holds windows of 4h, endpoints.model.window is 1h" in caplog.text


def test_without_days_it_takes_those_since_the_alert(drifted: Lived) -> None:
    """The day on which the breach began, to the newest window; where nothing fires, the last five weeks."""
    found = drifted.living.accept(Accept(Chosen("model")))[0]
    assert found.state.windows[0].day == on(10).toordinal()
    drifted.days(20, 22, shift=1.5)
    assert not drifted.firing()
    assert len({window.day for window in drifted.living.accept(Accept(Chosen("model")))[0].state.windows}) == 22


def test_each_deployment_keeps_its_own(tmp_path: Path) -> None:
    """One command for all of them gives each a baseline of its own windows; naming one leaves the other as it was."""
    agent = Lived(tmp_path)
    for number in range(12):
        agent.days(number, number + 1, deployment="blue")
        agent.days(number, number + 1, shift=1.0, deployment="green")
    found = agent.living.accept(Accept(Chosen("model", days=5)))
    assert [one.record.name for one in found] == ["model@blue", "model@green"]
    green = agent.state(Stream("model", "green", "live"))
    agent.living.accept(Accept(Chosen("model", deployment="blue", days=3)))
    assert agent.state(Stream("model", "green", "live")) is green
    assert len({window.day for window in agent.state(Stream("model", "blue", "live")).windows}) == 3
    for asked, words in (
        (Accept(Chosen("model", days=3), name="both"), "names one baseline, and model has blue .drift., green .drift.: say which"),
        (Accept(Chosen("model", deployment="red")), r"'red' with live traffic: endpoint model has blue \(live\), green \(live\)"),
        (Accept(Chosen("model", traffic="canary")), "its deployments with canary traffic"),
    ):
        with pytest.raises(ConfigError, match=words):
            agent.living.accept(asked)
    with pytest.raises(ConfigError, match=r"several, blue \(drift\), green \(drift\): say which"):
        agent.living.made_of_windows(MODEL, Chosen("model"))


def test_too_few_windows_are_accepted_and_said_to_be(drifted: Lived) -> None:
    """Two days are no calibrated reference: the status says so, it judges nothing aloud, and it goes on learning."""
    found = drifted.living.accept(Accept(Chosen("model", days=2)))[0]
    assert "  fixed reference: status uncalibrated: 11 windows on 2 days; 8 more days until calibrated" in list(accepted_lines(found))
    drifted.days(20, 30, shift=1.5)
    assert not drifted.firing()
    assert drifted.state().frozen


def test_a_span_across_the_change_is_doubted(drifted: Lived) -> None:
    """Whoever accepts days before and after a jump is told that nothing will be seen."""
    lines = list(accepted_lines(drifted.living.accept(Accept(Chosen("model", first=on(5), last=on(15))))[0]))
    assert any("differing too much from day to day to see a change: x" in line for line in lines)


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        (Accept(Chosen("modell")), ConfigError, "unknown 'modell'; known: model"),
        (
            Accept(Chosen("model", first=on(400), last=on(410))),
            TooLittleData,
            "has no window from 2027-02-09 to 2027-02-19; it keeps windows of",
        ),
        (Accept(Chosen("model", first=on(9), last=on(3))), ConfigError, "2026-01-08 comes before 2026-01-14"),
        (Accept(Chosen("model", first=date.min, last=date(1, 1, 2))), TooLittleData, "has no window from"),
        (Accept(Chosen("model", days=2**31 - 1), name="a/b"), ConfigError, "'a/b' is no name"),
        (Accept(Chosen("model"), name=""), ConfigError, "is no name"),
        (Accept(Chosen("model"), version=1), ConfigError, "baseline: no 'model@default'; known: none yet"),
    ],
)
@pytest.mark.parametrize("way", [living, asleep])
def test_refusals_change_nothing(drifted: Lived, way: Ways, asked: Accept, kind: type[DriftlineError], words: str) -> None:
    """What is not there is named with what is; no version, record or event is left behind."""
    before = drifted.state()
    with pytest.raises(kind, match=words):
        way(drifted).accept(asked)
    assert (drifted.store.baselines(), drifted.store.items("accepted/")) == ([], [])
    assert drifted.state() is before


def test_a_version_that_is_not_there_names_those_that_are(drifted: Lived) -> None:
    """And so does a stream that has no window yet."""
    accept_shifted(drifted)
    with pytest.raises(ConfigError, match="'model@default' has no version 9; there are 1, 2"):
        drifted.living.accept(Accept(Chosen("model"), version=9))


@pytest.mark.parametrize("way", [living, asleep])
def test_a_stream_without_windows_has_nothing_to_accept(tmp_path: Path, way: Ways) -> None:
    """Before the first window, and before 2,000 rows, exit code 3 with the reason."""
    agent = Lived(tmp_path)
    with pytest.raises(TooLittleData, match="no closed window yet"):
        way(agent).accept(Accept(Chosen("model")))
    agent.days(0, 1)
    with pytest.raises(TooLittleData, match=r"fewer than 2,000 rows so far"):
        way(agent).accept(Accept(Chosen("model")))


def test_a_baseline_named_by_the_configuration_may_be_accepted_over(tmp_path: Path) -> None:
    """`--name` of the very baseline the file names is no change of the file; a version built later is."""
    agent = Lived(tmp_path, Config(endpoints={"model": FIXED}))
    agent.days(0, 12)
    made = agent.living.made_of_windows(FIXED, Chosen("model"))
    with agent.store.transaction() as transaction:
        transaction.add_baseline("good", made.plain())
    agent.config = Config(endpoints={"model": replace(FIXED, reference=Reference(baseline="good", pages="fixed"))})
    agent.kill()
    agent.days(12, 20)
    agent.living.accept(Accept(Chosen("model", days=6), name="good"))
    agent.save()
    agent.kill()
    assert agent.pipeline.beginnings.own[LIVE, "drift"].mark == "good 2"
    assert len({window.day for window in agent.state().windows}) == 6
    agent.living.accept(Accept(Chosen("model", days=5)))
    exclude(agent.living, Exclude("good", on(15), on(15)))
    agent.save()
    agent.kill()
    assert agent.pipeline.beginnings.own[LIVE, "drift"].mark == "model@default 2"
    with agent.store.transaction() as transaction:
        transaction.add_baseline("good", made.plain())
    agent.kill()
    assert agent.pipeline.beginnings.own == {}
    assert agent.pipeline.beginnings.mark(LIVE, "drift") == "good 4"


@pytest.mark.parametrize("way", [living, asleep])
def test_endpoints_made_for_unmatched_traffic_may_accept_too(tmp_path: Path, way: Ways) -> None:
    """They are in no configuration, and have streams all the same."""
    agent = Lived(tmp_path, Config())
    agent.days(0, 6)
    found = way(agent).accept(Accept(Chosen("model", days=3)))
    assert found[0].record.mark == "model@default 2"
    agent.save()
    agent.kill()
    assert len({window.day for window in agent.state().windows}) == 3
    exclude(way(agent), Exclude("model", on(4), on(4)))
    with pytest.raises(ConfigError, match="unknown 'other'; known: none"):
        way(agent).accept(Accept(Chosen("other")))


def test_a_change_of_reference_is_counted_and_logged(drifted: Lived, caplog: pytest.LogCaptureFixture) -> None:
    """`driftline.changes` grows by one, and the log says what is used instead of what."""
    caplog.set_level("INFO")
    accept_shifted(drifted)
    told = [point for point in drifted.pipeline.series.totals(drifted.clock.now()) if point.metric is CHANGES]
    assert [(dict(point.attributes)["change"], point.value) for point in told] == [("reference", 1)]
    assert "model/default (live): baseline model@default 2 is accepted, and used instead of live windows" in caplog.text


def test_versions_are_bounded(drifted: Lived) -> None:
    """The newest twenty stay, the first, and the one the stream begins from, however many there were."""
    for _ in range(3):
        accept_shifted(drifted)
    drifted.living.accept(Accept(Chosen("model"), version=3))
    endpoint = drifted.config.endpoints["model"]
    made = drifted.living.made_of_windows(endpoint, Chosen("model"))
    for _ in range(30):
        assert list(keep(drifted.store, "model@default", made, endpoint))
    assert [version for _, version in drifted.store.baselines()] == [1, 3, *range(15, 35)]
    drifted.kill()
    assert drifted.pipeline.beginnings.own[LIVE, "drift"].mark == "model@default 3"
    drifted.living.accept(Accept(Chosen("model"), version=1))
    assert [version for _, version in drifted.store.baselines()] == [1, 3, *range(15, 35)]


def test_a_store_that_cannot_be_written_changes_nothing(drifted: Lived) -> None:
    """While another program holds the file the command fails with its sentence, and the stream goes on as it was."""
    before = drifted.state()
    drifted.store.close()
    drifted.store = Store(drifted.folder / "store.sqlite", busy_seconds=0.05)
    with closing(sqlite3.connect(drifted.folder / "store.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="cannot be used now"):
            accept_shifted(drifted)
        with pytest.raises(Transient, match="cannot be used now"):
            exclude(drifted.living, Exclude("model", on(1), on(1)))
    assert drifted.state() is before
    assert drifted.pipeline.beginnings.own == {}
    accept_shifted(drifted)
    assert drifted.pipeline.beginnings.own != {}


def test_more_traffic_is_accepted_with_the_rest(tmp_path: Path) -> None:
    """What is usual of the number of rows is told by the accepted days as well, and that alert resolves too."""
    agent = Lived(tmp_path, Config(endpoints={"model": FIXED}))
    agent.days(0, 12)
    agent.days(12, 20, rows=400)
    told = [event.state for event in agent.events() if event.name == "row_count"]
    assert told == ["fired"]
    agent.living.accept(Accept(Chosen("model", first=on(12))))
    assert set(agent.state().volumes.rows.tolist()) == {400}
    agent.days(20, 22, rows=400)
    assert [event.state for event in agent.events() if event.name == "row_count"] == ["fired", "resolved"]
