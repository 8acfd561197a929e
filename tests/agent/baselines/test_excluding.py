"""Taking days out of references and back in: with a living pipeline and without, across kills, and every refusal."""

from datetime import date

import pytest

from agent.baselines.asked import Accept, Chosen, Exclude
from agent.baselines.excluding import exclude
from agent.baselines.wording import cut_lines
from agent.errors import ConfigError
from detectors.types import Stream
from tests.fakes.lived import LIVE, Lived, Ways, accept_shifted, asleep, living, on


@pytest.mark.parametrize("way", [living, asleep])
def test_days_are_taken_out_of_all_references_of_an_endpoint(drifted: Lived, way: Ways) -> None:
    """At once where the agent runs, else at its start; for streams that begin later too, and across everything learnt since."""
    found = exclude(way(drifted), Exclude("model", on(3), on(4)))
    assert list(cut_lines(found)) == ["endpoint model: 12 windows taken out"]
    drifted.save()
    drifted.kill()
    drifted.days(20, 21, shift=1.5)
    state = drifted.state()
    assert sum(state.is_excluded(window.when) for window in state.windows) == 12
    assert state.rolling is not None
    assert sum(state.is_excluded(window.when) for window in state.rolling.fitted) in {0, 12}
    drifted.days(21, 22, deployment="green")
    assert drifted.state(Stream("model", "green", "live")).off == state.off == ((on(3).toordinal(), on(4).toordinal()),)
    exclude(way(drifted), Exclude("model", on(5), on(5)))
    drifted.save()
    drifted.kill()
    drifted.days(22, 23)
    assert len(drifted.state().off) == 2


@pytest.mark.parametrize("way", [living, asleep])
def test_days_are_taken_back_in(drifted: Lived, way: Ways) -> None:
    """A typing error costs nothing: the windows are still there, and count again, in part or all."""
    before = drifted.state()
    exclude(way(drifted), Exclude("model", on(1), on(7)))
    drifted.save()
    drifted.kill()
    found = exclude(way(drifted), Exclude("model", on(2), on(6), undo=True))
    assert list(cut_lines(found)) == ["endpoint model: 30 windows are part of it again"]
    exclude(way(drifted), Exclude("model", date.min, date.max, undo=True))
    drifted.save()
    drifted.kill()
    drifted.days(20, 21, shift=1.5)
    state = drifted.state()
    assert not any(state.is_excluded(window.when) for window in state.windows)
    assert state.windows == before.windows
    with pytest.raises(ConfigError, match="has no day from 2026-01-08 to 2026-01-08 taken out; there are none"):
        exclude(way(drifted), Exclude("model", on(3), on(3), undo=True))


def test_excluded_days_are_part_of_nothing_that_is_accepted(drifted: Lived) -> None:
    """Neither at once nor after a start, nor in the versions that are kept."""
    exclude(drifted.living, Exclude("model", on(12), on(13)))
    found = drifted.living.accept(Accept(Chosen("model", first=on(10), last=on(19))))[0]
    assert on(12).toordinal() not in {window.day for window in found.state.windows}
    drifted.save()
    drifted.kill()
    found = drifted.asleep.accept(Accept(Chosen("model", first=on(12), last=on(15))))[0]
    assert {window.day for window in found.state.windows} == {on(14).toordinal(), on(15).toordinal()}


@pytest.mark.parametrize("way", [living, asleep])
def test_days_are_taken_out_of_a_baseline(drifted: Lived, way: Ways) -> None:
    """A new version without them; a stream that was given the baseline goes on from it, one with a name nobody uses does not change."""
    accept_shifted(drifted)
    drifted.save()
    found = exclude(way(drifted), Exclude("model@default", on(12), on(12)))
    assert "baseline model@default, version 3: 6 windows taken out" in list(cut_lines(found))
    drifted.save()
    drifted.kill()
    assert drifted.pipeline.beginnings.mark(LIVE, "drift") == "model@default 3"
    state = drifted.state()
    assert sum(state.is_excluded(window.when) for window in state.windows) == 6
    with pytest.raises(ConfigError, match="has no window from 2026-01-17 to 2026-01-17 that is not taken out already"):
        exclude(way(drifted), Exclude("model@default", on(12), on(12)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            Exclude("nowhere", on(1), on(2)),
            r"neither a baseline nor an endpoint is called 'nowhere'; known: baselines \(none yet\); endpoints model",
        ),
        (Exclude("model", on(2), on(1)), "2026-01-06 comes before 2026-01-07"),
        (Exclude("model", on(300), on(301)), "days to come belong into reference.exclude"),
    ],
)
def test_what_cannot_be_excluded_is_told(drifted: Lived, asked: Exclude, words: str) -> None:
    """The option or name, what there is, and where days to come belong."""
    with pytest.raises(ConfigError, match=words):
        exclude(drifted.living, asked)
    assert drifted.store.items("excluded/") == []


def test_all_of_time_may_be_given(drifted: Lived) -> None:
    """Days no calendar can add one to are the days there are: everything goes, and the reference starts empty."""
    found = exclude(drifted.living, Exclude("model", date.min, date.max))
    assert found.windows == 119
    drifted.days(20, 21, shift=1.5)
    assert drifted.state().windows != ()
