"""`driftline baseline` as it is typed: every action without an agent, and one line for every mistake."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import main
from agent.lock import Lock
from agent.store.store import Store
from tests.fakes.lived import Lived

Typed = Callable[..., tuple[int, str, str]]

CONFIG = (
    "state: state\nsources: {otlp: {}}\nendpoints:\n  model: {window: 4h, allowed_lateness: 0s, alarm_budget: {episodes: 4, days: 30}}\n"
)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The store of an agent that went through twelve days."""
    agent = Lived(tmp_path_factory.mktemp("past"))
    agent.days(0, 12)
    agent.store.close()
    return (agent.folder / "store.sqlite").read_bytes()


@pytest.fixture
def typed(past: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """What typing a command says."""
    (tmp_path / "driftline.yaml").write_text(CONFIG)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "store.sqlite").write_bytes(past)

    def type_(*words: str) -> tuple[int, str, str]:
        try:
            code = main(["baseline", *words, "-c", str(tmp_path / "driftline.yaml")])
        except SystemExit as ended:
            code = int(str(ended.code))
        found = capsys.readouterr()
        return code, found.out, found.err

    return type_


def test_a_reference_is_accepted_listed_shown_cut_and_taken_back(typed: Typed, tmp_path: Path) -> None:
    """The whole life of a baseline, each command telling what the next one needs."""
    code, out, _ = typed("accept", "model", "--days", "9")
    assert code == 0
    assert (
        "model/default (live): accepted baseline model@default, version 2: 53 windows of 2026-01-08 to 2026-01-16 of default (live)" in out
    )
    assert out.splitlines()[-1] == "no agent runs here: it takes this up when it starts"
    code, out, _ = typed("list")
    assert [line.split("  ")[:2] for line in out.splitlines()] == [["model@default", "version 1"], ["model@default", "version 2"]]
    assert out.splitlines()[1].endswith("accepted for model/default/live")
    code, out, _ = typed("show", "model@default")
    assert "default (live): begins from model@default 2, accepted " in out
    assert "instead of live windows" in out
    assert "windows of 4h, days in UTC, options " in out
    code, out, _ = typed("exclude", "model@default", "--from", "2026-01-10", "--to", "2026-01-11")
    assert "baseline model@default, version 3: 12 windows taken out" in out
    page = tmp_path / "page.html"
    code, out, _ = typed("show", "model", "--html", str(page))
    assert (code, out) == (0, f"wrote {page}: default (live), as the daemon saved it last\n")
    assert page.read_text("utf-8").count("<svg") == 4
    code, out, _ = typed("accept", "model", "--version", "1")
    assert code == 0
    assert "  back: driftline baseline accept model --deployment default --version 3" in out


def test_a_baseline_is_built_of_lived_windows(typed: Typed, tmp_path: Path) -> None:
    """A named one that the configuration can point at; its windows' length and zone go with it, so others cannot."""
    code, out, _ = typed("build", "spring", "--endpoint", "model", "--from-windows", "--from", "2026-01-06", "--to", "2026-01-15")
    assert code == 0
    assert "baseline spring, version 1: 60 windows of 2026-01-06 to 2026-01-15 of default (live)" in out
    with Store(tmp_path / "state" / "store.sqlite") as store:
        found = store.baseline("spring")
    assert found is not None
    value = found[1]
    assert (value["window"], value["timezone"], len(value["config"]), value["endpoint"]) == (14400.0, "UTC", 16, "model")
    run = [sys.executable, "-P", "-m", "agent", "run", "-c", str(tmp_path / "driftline.yaml")]
    for option, words in (
        (
            "window: 1h",
            "endpoints.model.reference.baseline: 'spring' holds windows of 4h, endpoints.model.window is 1h: how much windows vary",
        ),
        ("window: 4h, timezone: Asia/Tokyo", "holds windows of days in UTC, endpoints.model.timezone is Asia/Tokyo"),
    ):
        (tmp_path / "driftline.yaml").write_text(CONFIG.replace("window: 4h", f"{option}, reference: {{baseline: spring}}"))
        ended = subprocess.run(run, check=False, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 2
        assert words in ended.stderr
        assert "driftline baseline build NEW --endpoint model" in ended.stderr


def test_a_baseline_is_built_of_a_file(typed: Typed, tmp_path: Path) -> None:
    """As before: cells and distribution of the file; it has no windows, so it fits every length."""
    (tmp_path / "train.csv").write_text("x,c\n" + "0.5,a\n-0.5,b\n1.5,a\n" * 1000)
    code, out, _ = typed("build", "training", "--endpoint", "model", "--file", str(tmp_path / "train.csv"))
    assert code == 0
    assert out.splitlines()[0] == f"baseline training, version 1: {tmp_path / 'train.csv'}"
    code, out, _ = typed("show", "training")
    assert code == 0
    assert "0 windows on 0 days" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("exclude", "model", "--from", "gestern", "--to", "2026-01-06"),
            2,
            "argument --from: 'gestern' is no date; write it as 2026-03-08",
        ),
        (("accept", "model", "--to", "2026-02-30"), 2, "argument --to: '2026-02-30' is no date; write it as 2026-03-08"),
        (("exclude", "model", "--from", "2026-01-06"), 2, "the following arguments are required: --to"),
        (("exclude", "model", "--from", "2026-01-07", "--to", "2026-01-06"), 2, "--from, --to: 2026-01-06 comes before 2026-01-07"),
        (("exclude", "nothing", "--from", "2026-01-06", "--to", "2026-01-06"), 2, "neither a baseline nor an endpoint is called 'nothing'"),
        (("accept", "modell"), 2, "endpoint: unknown 'modell'; known: model"),
        (("accept", "model", "--deployment", "green"), 2, "'green' with live traffic: endpoint model has default (live)"),
        (("accept", "model", "--days", "3", "--from", "2026-01-06"), 2, "--days: says which days already; leave --from and --to out"),
        (("accept", "model", "--days", "0"), 2, "--days: 0 is no number of days"),
        (("accept", "model", "--days", "x"), 2, "argument --days: invalid int value: 'x'"),
        (("accept", "model", "--version", "0"), 2, "--version: 0 is no version; they count from 1"),
        (("accept", "model", "--version", "1", "--days", "3"), 2, "--version: is a stored reference; leave --from, --to and --days out"),
        (("accept", "model", "--version", "1"), 2, "no 'model@default'; known: none yet"),
        (("accept", "model", "--from", "2030-01-01", "--to", "2030-01-02"), 3, "it keeps windows of 2026-01-05 to 2026-01-16"),
        (("accept", "model", "--name", "a/b"), 2, "'a/b' is no name"),
        (("build", "b", "--endpoint", "model", "--days", "3", "--file", "x.csv"), 2, "choose windows; give --from-windows with them"),
        (("build", "b", "--endpoint", "model", "--file", "nowhere.csv"), 2, "nowhere.csv"),
        (("build", "a/b", "--endpoint", "model", "--from-windows"), 2, "'a/b' is no name"),
        (("show", "nothing"), 2, "neither a baseline nor an endpoint is called 'nothing'; known: baselines (none yet); endpoints model"),
        (("show", "model", "--html", "/nowhere/page.html"), 2, "--html: /nowhere/page.html cannot be written"),
    ],
)
def test_mistakes_are_one_line(typed: Typed, words: tuple[str, ...], code: int, said: str) -> None:
    """The option, its value and the way out; nothing is left in the store."""
    found, _, err = typed(*words)
    assert (found, len(err.splitlines())) == (code, 1)
    assert said in err
    assert typed("list")[1].startswith("no baselines yet")


def test_nothing_is_there_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first start: what makes a store, and what makes a baseline."""
    (tmp_path / "driftline.yaml").write_text(CONFIG)
    file = ["-c", str(tmp_path / "driftline.yaml")]
    assert main(["baseline", "list", *file]) == 0
    assert "no baselines yet; build one with" in capsys.readouterr().out
    assert main(["baseline", "show", "model", *file]) == 2
    assert "holds no store yet" in capsys.readouterr().err
    assert main(["baseline", "accept", "model", *file]) == 3
    assert "has no closed window yet" in capsys.readouterr().err


def test_an_agent_that_does_not_listen_is_told(typed: Typed, tmp_path: Path) -> None:
    """The folder is held, and nobody answers in it: exit code 4, who holds it, and what that may mean."""
    with Lock(tmp_path / "state"):
        code, _, err = typed("accept", "model")
        assert code == 4
        assert f"is in use by process {os.getpid()}" in err
        assert "admin.sock: it starts, ends, or is another version" in err
        assert typed("show", "model")[0] == 0


def test_days_are_taken_back_in_as_typed(typed: Typed) -> None:
    """`--undo` is for endpoints; of a baseline there is an earlier version."""
    days = ("--from", "2026-01-06", "--to", "2026-01-07")
    assert typed("exclude", "model", *days)[1].startswith("endpoint model: 12 windows taken out\n")
    assert "taken out: 12 windows" in typed("show", "model")[1]
    assert typed("exclude", "model", *days, "--undo")[1].startswith("endpoint model: 12 windows are part of it again\n")
    assert "taken out" not in typed("show", "model")[1]
    typed("accept", "model")
    assert "--undo: 'model@default' is a baseline" in typed("exclude", "model@default", *days, "--undo")[2]


def test_nothing_piped_has_colours_and_odd_terminals_get_letters(typed: Typed, tmp_path: Path) -> None:
    """The picture is text; where the encoding lacks blocks it is drawn with punctuation."""
    assert "\x1b" not in typed("show", "model")[1]
    run = [sys.executable, "-P", "-m", "agent", "baseline", "show", "model", "-c", str(tmp_path / "driftline.yaml")]
    shown = subprocess.run(run, check=True, capture_output=True, env={"PYTHONIOENCODING": "ascii", "PATH": ""}, timeout=60).stdout.decode(
        "ascii"
    )
    assert "?" not in shown
    assert "missing 0.0 %" in shown


def test_a_past_without_rows_is_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source whose newest rows are older than what was asked for: said, and no empty version takes the place of a good one."""
    (tmp_path / "rows.csv").write_text("time,x\n" + "".join(f"2020-01-02T{hour:02}:00:00Z,{hour}\n" for hour in range(24)))
    file = tmp_path / "driftline.yaml"
    file.write_text("endpoints:\n  model: {source: {files: {path: rows.csv}}, columns: {timestamp: time}, window: 1d}\n")
    config = ["-c", str(file)]
    assert main(["baseline", "build", "past", "--endpoint", "model", "--history", "7d", *config]) == 3
    assert "its source has no rows in whole windows of" in capsys.readouterr().err
    assert main(["baseline", "list", *config]) == 0
    assert "no baselines yet" in capsys.readouterr().out
