"""`driftline check`: verdicts, exit codes, JSON, and files that cannot be read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pyarrow.csv  # type: ignore[import-untyped]  # the same
import pyarrow.parquet  # type: ignore[import-untyped]  # the same
import pytest

from agent.cli import main


def write(path: Path, rows: int = 2000, shift: float = 0.0, seed: int = 1, extra: dict[str, list[float]] | None = None) -> str:
    """Write `delay` (normal), `carrier` (three names), `id` (all different) and what is extra."""
    draw = np.random.default_rng(seed)
    table = pa.table(
        {
            "delay": draw.normal(shift, 1, rows),
            "carrier": draw.choice(["AA", "DL", "UA"], rows),
            "id": [f"{number:x}" for number in draw.integers(2**60, size=rows)],
            **(extra or {}),
        }
    )
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    elif path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return str(path)


@pytest.fixture
def reference(tmp_path: Path) -> str:
    """The file of what is normal."""
    return write(tmp_path / "reference.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_nothing_changed(reference: str, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another sample of the same population is stable in every format, and the verdict is the first word."""
    current = write(tmp_path / f"current.{suffix}", seed=2)

    assert main(["check", reference, current, "--fail-on", "drift,quality"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("STABLE  no drift in 2 columns (2,000 rows against 2,000")
    assert "set aside: id" in out
    assert "assume independent rows" in out


def test_a_shift_is_drift(reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shift of 0.3 sd is found; it exits 0 unless the caller asked to fail on drift."""
    current = write(tmp_path / "current.parquet", shift=0.3, seed=2)

    assert main(["check", reference, current]) == 0
    assert capsys.readouterr().out.startswith("DRIFT  1 of 2 columns drifted")
    assert main(["check", reference, current, "--fail-on", "drift"]) == 1
    assert main(["check", reference, current, "--fail-on", "quality"]) == 0
    assert main(["check", reference, current, "--fail-on", "drift", "--ignore", "delay"]) == 0
    assert main(["check", reference, current, "--fail-on", "drift", "--columns", "carrier"]) == 0
    assert main(["check", reference, current, "--fail-on", "drift", "--min-sd", "0.9", "--min-psi", "0.9"]) == 0


def test_a_vanished_column_is_a_quality_finding(reference: str, tmp_path: Path) -> None:
    """Quality is what `--fail-on quality` fails on."""
    current = tmp_path / "current.parquet"
    table = pa.parquet.read_table(write(current, seed=2)).drop_columns(["delay"])
    pa.parquet.write_table(table, current)

    assert main(["check", reference, str(current), "--fail-on", "quality"]) == 1
    assert main(["check", reference, str(current), "--fail-on", "drift"]) == 0


@pytest.mark.parametrize(("fail_on", "code"), [((), 3), (("--fail-on", "drift"), 3), (("--fail-on", "insufficient"), 3)])
def test_too_few_rows_are_no_answer(
    reference: str, tmp_path: Path, fail_on: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty rows are insufficient: exit code 3, never stable."""
    assert main(["check", reference, write(tmp_path / "current.csv", rows=20), *fail_on]) == code
    assert capsys.readouterr().out.startswith("INSUFFICIENT")


def test_a_listed_finding_goes_before_too_little_data(reference: str, tmp_path: Path) -> None:
    """A column that appeared is a finding, whatever the number of rows."""
    current = write(tmp_path / "current.csv", rows=20, extra={"new": [0.5] * 20})

    assert main(["check", reference, current, "--fail-on", "quality"]) == 1


def test_the_json_has_the_documented_shape(reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Version 1: verdict, rows, level, scores, drifted, quality, set_aside; no NaN."""
    main(["check", reference, write(tmp_path / "current.parquet", shift=0.3, seed=2), "--json", "--level", "0.01", "--prediction", "delay"])

    answer = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (answer["version"], answer["verdict"], answer["level"]) == (1, "drift", 0.01)
    assert answer["rows"] == {"reference": 2000, "current": 2000}
    assert answer["drifted"] == ["delay"]
    scores = {score["feature"]: score for score in answer["scores"]}
    wanted = {"kind", "feature", "statistic", "threshold", "severity", "p_value", "samples", "mde", "drifted", "methods", "explanation"}
    assert set(scores["delay"]) == wanted
    assert scores["delay"]["kind"] == "prediction"
    assert "psi" in scores["delay"]["methods"]
    assert [one["feature"] for one in answer["set_aside"]] == ["id"]
    assert {"quality", "unreadable"} <= set(answer)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "has no rows"),
        ("header.csv", b"delay,carrier\n", "has no rows"),
        ("broken.parquet", b"PAR1 is not enough", "broken.parquet"),
        ("array.jsonl", b"[1]", "array.jsonl"),
    ],
)
def test_unreadable_files_are_named(
    reference: str, tmp_path: Path, name: str, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line, the file's name."""
    (tmp_path / name).write_bytes(content)

    assert main(["check", reference, str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_values_of_the_wrong_type_are_counted(reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text among numbers is said, and is a finding as what is missing."""
    current = Path(write(tmp_path / "current.csv", seed=2))
    lines = current.read_text().splitlines()
    current.write_text("\n".join([lines[0], *(f'"oops",{line.partition(",")[2]}' for line in lines[1:61]), *lines[61:]]))

    assert main(["check", reference, str(current), "--fail-on", "quality"]) == 1
    out = capsys.readouterr().out
    assert "could not be read in the current file: wrong type in delay: 60" in out
    assert "delay: values of the wrong type in 3.00% of rows, 0.00% in the reference" in out


def test_classes_and_probabilities_are_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--prediction` and `--probability` name them; a class that is gone is told by its name."""
    random = np.random.default_rng(3)

    def side(name: str, answers: list[str], shift: float) -> str:
        table = {"answer": random.choice(answers, 2000), "p_yes": random.beta(2, 2, 2000) ** (1 + shift), "x": random.normal(size=2000)}
        pa.parquet.write_table(pa.table(table), tmp_path / name)
        return str(tmp_path / name)

    then, now = side("then.parquet", ["yes", "no", "maybe"], 0.0), side("now.parquet", ["yes", "no"], 0.5)
    assert main(["check", then, now, "--prediction", "answer", "--probability", "p_yes", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {one["feature"]: one["kind"] for one in answer["scores"]} == {"p_yes": "prediction", "answer": "prediction", "x": "data"}
    assert set(answer["drifted"]) == {"answer", "p_yes"}
    (gone,) = [one for one in answer["quality"] if one["check"] == "vanished_category"]
    assert (gone["feature"], gone["names"], gone["flagged"]) == ("answer", ["maybe"], True)
    main(["check", then, now, "--prediction", "answer"])
    assert "answer: values that are gone: 'maybe', 3" in capsys.readouterr().out


def test_a_latin_1_file_is_read_and_told(reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines are counted and the warning names the file and the way out: nothing is replaced in silence."""
    current = Path(write(tmp_path / "current.csv", seed=2))
    current.write_bytes(current.read_bytes() + "1.0,Zürich,900001\n".encode("latin-1"))

    assert main(["check", reference, str(current)]) == 0
    said = capsys.readouterr()
    assert "not UTF-8 in the current file, and read with � in the place of such bytes: 1 lines" in said.out
    assert "could not be read" not in said.out


def test_names_from_the_data_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in column names are shown as question marks."""
    name = "a\x1b[31mb"
    one = write(tmp_path / "one.parquet", extra={name: [0.0] * 2000})
    two = write(tmp_path / "two.parquet", extra={name: [1.0] * 2000})

    main(["check", one, two])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a?[31mb" in out


def test_it_needs_nothing_that_windows_lacks(reference: str) -> None:
    """With the modules of Unix gone, comparing two files still works."""
    gone = ("fcntl", "grp", "pwd", "resource", "termios", "uvloop")
    code = f"import sys; sys.modules.update(dict.fromkeys({gone})); from agent.cli import main; sys.exit(main(sys.argv[1:]))"

    done = subprocess.run([sys.executable, "-P", "-c", code, "check", reference, reference], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("product", ["azureml", "evidently", "nannyml"])
def test_another_products_word_stands_beside_ours(product: str, reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--thresholds` adds what the product would say, with every value, and changes neither verdict nor exit code."""
    current = write(tmp_path / "current.csv", shift=1.0, seed=2)

    assert main(["check", reference, current, "--thresholds", product, "--json", "--fail-on", "quality"]) == 0
    found = json.loads(capsys.readouterr().out)
    told = {one["feature"]: one for one in found["thresholds"]["scores"]}
    assert (found["verdict"], found["thresholds"]["product"], list(told)) == ("drift", product, ["delay", "carrier"])
    assert "no promise about false alarms" in found["thresholds"]["note"]
    assert told["delay"]["drifted"]
    assert told["delay"]["methods"][told["delay"]["method"]] == {
        "value": told["delay"]["value"],
        "threshold": told["delay"]["threshold"],
        "drifted": True,
    }

    assert main(["check", reference, current, "--thresholds", product]) == 0
    assert "would report drift in" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["check", reference, current, "--thresholds", "whylogs"])
