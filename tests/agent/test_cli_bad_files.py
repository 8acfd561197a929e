"""Files that are not what a command needs: exit 2, one clear line that names the file, no traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import main

HEADER = "at,amount,branch\n"
GOOD = HEADER + "".join(f"2026-01-{1 + row // 50:02},{row},north\n" for row in range(500))
CONFIG = """
endpoints:
  orders:
    source: {files: {path: "good.csv"}}
    columns: {timestamp: at}
    window: 1d
"""

BAD: dict[str, bytes | None] = {
    "missing.csv": None,
    "folder": None,
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 40,
    "utf16.csv": GOOD.encode("utf-16"),
    "twice.csv": b"a,a\n1,2\n",
    "words.jsonl": b"hello\n",
    "list.jsonl": b"[1, 2]\n",
    "fake.parquet": b"PAR1" + bytes(900) + b"PAR1",
}

COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "check, reference": lambda bad: ["check", str(bad), str(bad.parent / "good.csv")],
    "check, current": lambda bad: ["check", str(bad.parent / "good.csv"), str(bad)],
    "baseline": lambda bad: ["baseline", "build", "b", "--endpoint", "orders", "--file", str(bad), "-c", str(bad.parent / "driftline.yaml")],
    "report": lambda bad: [
        "report", "orders", "--reference", str(bad.parent / "good.csv"), "--current", str(bad), "-c", str(bad.parent / "driftline.yaml"),
    ],
    "run": lambda bad: ["run", "-c", str(bad)],
    "replay": lambda bad: ["replay", "-c", str(bad)],
    "doctor": lambda bad: ["doctor", "-c", str(bad)],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of bad file, beside a good one and a configuration."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "good.csv").write_text(GOOD)
    (folder / "driftline.yaml").write_text(CONFIG)
    (folder / "folder").mkdir()
    for name, content in BAD.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_file_is_one_line_and_exit_code_2(folder: Path, command: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the command wanted from it."""
    code = main(COMMANDS[command](folder / name))

    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("driftline: ")]
    assert code == 2
    assert len(told) >= 1
    assert all(name in line for line in told)
    # A configuration may have many faults, a line each; a file of rows is bad once.
    assert len(told) == 1 or command in {"run", "replay", "doctor"}


def test_reports_need_a_folder_and_a_known_endpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before anything is read."""
    config = ["-c", str(folder / "driftline.yaml")]
    assert main(["report", "nobody", *config]) == 2
    assert "unknown 'nobody'; known: orders" in capsys.readouterr().err
    assert main(["report", "orders", "--out", str(folder / "nowhere" / "x.html"), *config]) == 2
    assert "its folder is not there" in capsys.readouterr().err
