"""The house rules a machine can check: imports point down, files stay small, each says what it is for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("detectors", "alerts", "dashboards", "agent")
CEILING = 400
OUTSIDE = {
    "apscheduler",
    "asyncio",
    "azure",
    "evidently",
    "http",
    "httpx",
    "opentelemetry",
    "os",
    "pandas",
    "pathlib",
    "pydantic",
    "random",
    "scipy",
}
OUTSIDE |= {"socket", "sqlite3", "subprocess", "time", "urllib"}
"""What the three pure packages do not import: network, disk, clock, randomness of their own, heavy libraries."""
VAGUE = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def modules(*folders: str) -> list[Path]:
    """Return every Python file of some folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of everything a module imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_down(layer: str) -> None:
    """A package imports those below it only."""
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(layer)
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name.partition(".")[0] in above
    ]

    assert wrong == []


def test_only_the_agent_touches_the_outside() -> None:
    """The pure packages reach neither network, disk, clock nor heavy libraries. Writers of files take text from them."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("detectors", "alerts", "dashboards")
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name.partition(".")[0] in OUTSIDE
    ]

    assert wrong == []


def test_the_catalogue_is_light() -> None:
    """`detectors/catalog.py`, and what it gathers, need the standard library only, so that rules and boards stay light."""
    own = {"detectors.metric", *(f"detectors.{path.stem}" for path in (ROOT / "detectors").glob("catalog*.py"))}
    for name in own:
        needed = set(imported(ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text("utf-8"))))
        assert needed <= {"dataclasses", "typing", "collections.abc", "detectors", *own}


def test_every_module_says_what_it_is_for() -> None:
    """The first line of a module is a sentence."""
    mute = [
        str(path.relative_to(ROOT))
        for path in modules(*LAYERS, "tests", "bench", "examples")
        if not (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0].rstrip().endswith((".", ":", "?"))
    ]

    assert mute == []


def test_files_stay_small() -> None:
    """No file is longer than the ceiling, and half of them are much shorter."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules(*LAYERS, "tests", "bench", "examples")
    }
    source = sorted(length for name, length in lengths.items() if name.startswith(LAYERS))

    assert {name: length for name, length in lengths.items() if length > CEILING} == {}
    assert source[len(source) // 2] <= 120


def test_names_say_what_a_file_holds() -> None:
    """No file is called after nothing in particular."""
    assert [str(path) for path in modules(*LAYERS, "tests", "bench", "examples") if path.stem in VAGUE] == []
