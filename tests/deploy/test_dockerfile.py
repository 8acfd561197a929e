"""The image's recipe, as far as it can be checked without building it."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.health import Health

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy/Dockerfile").read_text("utf-8")
INSTRUCTIONS = [
    tuple(line.split(None, 1))
    for line in re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if line.strip()
]
KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}


def of(name: str) -> list[str]:
    """Return the arguments of every instruction of a name."""
    return [argument for instruction, argument in INSTRUCTIONS if instruction == name]


def test_only_sound_instructions() -> None:
    """No ADD, no unknown word, nothing fetched from elsewhere than the locks."""
    assert {name for name, _ in INSTRUCTIONS} <= KNOWN
    assert not re.search(r"curl|wget|https?://|latest|chmod 777|sudo", " ".join(argument for _, argument in INSTRUCTIONS))
    assert all("--require-hashes" in line or "--no-index" in line for line in re.findall(r"pip install[^&]*", " ".join(of("RUN"))))


def test_it_runs_as_nobody() -> None:
    """A numeric user after the last FROM, so that an orchestrator can tell it is not root; nothing runs after it."""
    last = [name for name, _ in INSTRUCTIONS]
    stage = len(last) - last[::-1].index("FROM")

    assert of("USER") == ["10001:10001"]
    assert last.index("USER") > stage
    assert "RUN" not in last[last.index("USER") :]


def test_the_environment_is_safe() -> None:
    """The current folder is no source of code, and dependencies do not phone home."""
    settings = dict(pair.split("=", 1) for pair in of("ENV")[0].split())

    assert settings["PYTHONSAFEPATH"] == "1"
    assert settings["DO_NOT_TRACK"] == "1"
    assert not re.search(r"(?i)(password|token|secret|connection_?string)=", TEXT)


def test_everything_copied_is_there_and_let_in() -> None:
    """Each source of a COPY exists and passes .dockerignore; the four packages are among them."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sources = [word for line in of("COPY") if "--from" not in line for word in line.split()[:-1]]

    assert {"agent", "alerts", "dashboards", "detectors", "pyproject.toml", "locks/run.txt"} <= set(sources)
    assert all((ROOT / source).exists() for source in sources)
    assert all(f"!{source.partition('/')[0]}" in ignored for source in sources)


def test_the_build_back_end_comes_from_the_locks() -> None:
    """The lines awk picks are whole, hashed requirements: hatchling and all it needs."""
    program = re.findall(r"awk '([^']+)'", TEXT)[0]
    picked = subprocess.run(["awk", program, "locks/demo.txt"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    names = re.findall(r"^([a-z-]+)==", picked, re.MULTILINE)
    assert names == ["hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers"]
    assert picked.count("--hash=sha256:") >= len(names)
    assert not picked.rstrip().endswith("\\")


@pytest.mark.parametrize(("alive", "code"), [(True, 0), (False, 1)])
def test_the_health_check_asks_the_agent(alive: bool, code: int) -> None:  # noqa: FBT001 (a column of the table)
    """The very command of HEALTHCHECK ends with 0 on a living agent and 1 on one whose engine died."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
    command = [sys.executable, *(word.replace("13133", str(port)) for word in command[1:])]

    async def asked() -> int:
        async with Health(f"127.0.0.1:{port}", lambda: alive, ready=True).serve():
            process = await asyncio.create_subprocess_exec(*command)
            return await process.wait()

    assert asyncio.run(asked()) == code


def test_the_health_check_fails_without_an_agent() -> None:
    """Nobody listening is not healthy."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])

    done = subprocess.run(
        [sys.executable, *(word.replace("13133", str(port)) for word in command[1:])], stderr=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 1
