"""Says what is wrong with a Grafana dashboard: the rules of Grafana's dashboard linter that fit, and some of our own."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

UNITS = {"none", "short", "percentunit", "s", "d", "bytes", "ops"}
BUILT_IN = {"__rate_interval", "__range", "__interval", "__all"}
# Left out: template-job and template-instance (a driftline series is told apart by endpoint and deployment, whoever scrapes it).


def problems(board: dict[str, Any]) -> list[str]:
    """Return every problem as `where: what`; empty when there is none."""
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    return [*_board(board), *_variables(board), *_layout(board["panels"]), *(found for panel in panels for found in _panel(panel, board))]


def expressions(board: dict[str, Any]) -> dict[str, str]:
    """Return every PromQL expression by where it stands; variables' `label_values(…)` are among them."""
    found = {f"{panel['title']} {target['refId']}": target["expr"] for panel in board["panels"] for target in panel.get("targets", [])}
    found |= {f"annotation {each['name']}": each["expr"] for each in board["annotations"]["list"]}
    return found | {f"variable {each['name']}": each["query"]["query"] for each in board["templating"]["list"] if each["type"] == "query"}


def _board(board: dict[str, Any]) -> Iterator[str]:
    if board["editable"]:
        yield "board: editable, although it is generated"
    if not 1 <= len(board["uid"]) <= 40:
        yield "board: a uid has 1 to 40 characters"
    if not board["description"]:
        yield "board: no description"


def _variables(board: dict[str, Any]) -> Iterator[str]:
    sources = [each for each in board["templating"]["list"] if each["type"] == "datasource"]
    if [(each["name"], each["label"]) for each in sources] != [("datasource", "Data source")]:
        yield "variables: a single data source is named datasource and labelled Data source"
    for each in board["templating"]["list"]:
        if each["type"] == "query" and each["refresh"] != 2:
            yield f"variable {each['name']}: not filled again when the time range changes"
        if each.get("includeAll") and each.get("allValue") != ".*":
            yield f"variable {each['name']}: 'all' loses series without the label"
    declared = {each["name"] for each in board["templating"]["list"]}
    for where, expression in expressions(board).items():
        for name in set(re.findall(r"\$\{?(\w+)", expression)) - declared - BUILT_IN:
            yield f"{where}: ${name} is no variable"


def _layout(panels: list[dict[str, Any]]) -> Iterator[str]:
    for name, times in Counter(panel["id"] for panel in panels).items():
        if times > 1:
            yield f"panels: {times} have the id {name}"
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{panel['title']}: wider than the page"
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            if cell in taken:
                yield f"{panel['title']}: lies over {taken[cell]}"
                break
            taken[cell] = panel["title"]


def _panel(panel: dict[str, Any], board: dict[str, Any]) -> Iterator[str]:
    where = panel["title"]
    if not panel["title"] or not panel["description"]:
        yield f"{where}: needs title and description"
    if not panel["targets"]:
        yield f"{where}: asks nothing"
    for each in (panel, *panel["targets"]):
        if each["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"{where}: does not use the variable data source"
    if not set(_units(panel)) <= UNITS:
        yield f"{where}: unknown unit in {_units(panel)}"
    if panel["fieldConfig"]["defaults"].get("noValue") != "no data":
        yield f"{where}: says nothing where there is no data"
    refs = [target["refId"] for target in panel["targets"]]
    if len(set(refs)) != len(refs):
        yield f"{where}: two queries have one refId"
    for target in panel["targets"]:
        yield from (f"{where}: {said}" for said in _target(target))
    known = {each["name"] for each in board["templating"]["list"]}
    if not {"endpoint", "deployment"} <= known:
        yield f"{where}: cannot be narrowed"


def _units(panel: dict[str, Any]) -> list[str]:
    overrides = [entry["value"] for each in panel["fieldConfig"]["overrides"] for entry in each["properties"] if entry["id"] == "unit"]
    default = panel["fieldConfig"]["defaults"].get("unit")
    return [*overrides, *([default] if default else [])]


def _target(target: dict[str, Any]) -> Iterator[str]:
    expression = target["expr"]
    if re.search(r"\brate\(", expression) and not re.search(r"\[\$__rate_interval\]", expression):
        yield "rates over something else than $__rate_interval"
    bare = re.sub(r"\b(?:rate|irate|increase)\([^()]*\)", "", expression)
    if re.search(r"_total\b", bare):
        yield "shows a counter as it stands"
    if target["instant"] == target["range"]:
        yield "asks neither for now nor over time"
