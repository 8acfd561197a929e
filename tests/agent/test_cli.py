"""The command line: help, exit codes, one line for an error, and a fast start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import guard
from agent.cli import COMMANDS, main, parser
from agent.errors import ConfigError

HEAVY = {"asyncio", "azure", "evidently", "grpc", "numpy", "opentelemetry", "pandas", "pyarrow", "pydantic", "rich", "scipy", "yaml"}
DRIFTLINE = [sys.executable, "-P", "-c", "import sys; from agent.cli import main; sys.exit(main())"]


def spoken(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [*DRIFTLINE, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **changes}, stdin=subprocess.DEVNULL
    )


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`driftline --help` is complete."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"    {command} " in text for command in COMMANDS)
    assert all(f"  {code}  " in text for code in range(5))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command is there, and its options all say what they do."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert f"usage: driftline {command}" in capsys.readouterr().out
    options = next(action for action in parser(command)._actions if action.dest == "command").choices or {}
    assert all(action.help for action in dict(options)[command]._actions)


def test_the_start_is_light() -> None:
    """Help and version import nothing heavy: 0.3 s of CPU are not for imports."""
    code = (
        "import sys; from agent.cli import parser; parser().format_help(); print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert not HEAVY & set(eval(done.stdout))  # noqa: S307 (a list our own line printed)


def test_the_version_is_the_packages() -> None:
    """`--version` prints name and version."""
    assert spoken("--version").stdout == "driftline 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "driftline: the following arguments are required: COMMAND; see driftline --help"),
        (["chekc"], "invalid choice: 'chekc'"),
        (["check", "a.csv"], "driftline check: the following arguments are required: CURRENT; see driftline check --help"),
        (["check", "nowhere.csv", "b.csv"], "driftline: nowhere.csv: cannot be read: No such file or directory"),
        (["check", "a", "b", "--level", "2"], "2 must lie between 0 and 1"),
        (["check", "a", "b", "--fail-on", "x"], "unknown 'x'; known: drift, quality, insufficient"),
        (["doctor", "-c", "nowhere.yaml"], "driftline: nowhere.yaml: no such file; `driftline init` writes one"),
        (["doctor", "--leaks", "-c", "nowhere.yaml"], "driftline: nowhere.yaml: no such file; `driftline init` writes one"),
        (["run", "-c", "nowhere.yaml"], "driftline: nowhere.yaml: no such file"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    """No traceback, nothing on standard output, one line that says what is wrong."""
    done = spoken(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_several_faults_are_several_lines(tmp_path: Path) -> None:
    """Each fault of a configuration is a line of its own that begins with the program's name."""
    path = tmp_path / "config.yaml"
    path.write_text("sources: {otlp: {}}\nendpoints: {a: {windw: 15m, widow: 3}}")

    lines = spoken("doctor", "-c", str(path)).stderr.splitlines()

    assert len(lines) == 2
    assert all(line.startswith(f"driftline: {path}: endpoints.a.w") for line in lines)


def test_a_reader_who_leaves_early_is_no_error(tmp_path: Path) -> None:
    """Output into a closed pipe ends quietly."""
    path = tmp_path / "config.yaml"
    path.write_text("sources: {otlp: {}}")
    with subprocess.Popen([*DRIFTLINE, "doctor", "-c", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_output_that_takes_no_more_is_no_finding() -> None:
    """A full disk under standard output is told in a line, with a code that no pipeline takes for a finding."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*DRIFTLINE, "generate", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (4, "driftline: the output cannot be written: No space left on device\n")


def test_an_intruder_is_named() -> None:
    """A package that shadows one of the four ends the start with its path."""
    homes = {name: f"/app/{name}/__init__.py" for name in guard.PACKAGES}

    guard.check(homes.get)
    with pytest.raises(ConfigError, match=r"alerts: /tmp/x/alerts/__init__.py is not driftline's \(/app/alerts\)"):
        guard.check({**homes, "alerts": "/tmp/x/alerts/__init__.py"}.get)  # noqa: S108 (a made-up path)
    with pytest.raises(ConfigError, match="detectors: a folder without __init__"):
        guard.check({**homes, "detectors": None}.get)


def test_a_shadowing_folder_stops_the_start(tmp_path: Path) -> None:
    """PYTHONPATH with a `detectors` of its own is answered with one line, not with its code."""
    (tmp_path / "detectors").mkdir()
    (tmp_path / "detectors" / "__init__.py").write_text("raise SystemExit(99)")

    done = spoken("--version", PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    assert f"detectors: {tmp_path}/detectors/__init__.py is not driftline's" in done.stderr
