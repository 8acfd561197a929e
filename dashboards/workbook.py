"""Writes a board as an Azure Workbook over a Log Analytics workspace: one tab a row."""

import json
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from alerts.query import Query, column, kql
from alerts.rule import ALL
from dashboards.board import Board, Colour, Panel, Row, Series, Threshold, Unit
from detectors.catalog import ALERT_ACTIVE

# What is said of a whole endpoint, such as a stale source, belongs to each deployment and kind of traffic.
SELECTION: Final = {
    "endpoint": "endpoint in ({Endpoint}) or '*' in ({Endpoint})",
    "deployment": f"deployment in ({{Deployment}}, '{ALL}') or '*' in ({{Deployment}})",
    "traffic": f"traffic in ('{{Traffic}}', '{ALL}')",
}

_LOGS: Final = {"queryType": 0, "resourceType": "microsoft.operationalinsights/workspaces"}
# Numbers Azure gives to the kinds of steps, parameters and column formats.
_TEXT, _QUERY, _PARAMETERS, _LINKS, _GROUP = 1, 3, 9, 11, 12
_DROP_DOWN, _TIME, _RESOURCE = 2, 4, 5
_THRESHOLDS = 18
_ROWS = 250  # what a grid shows
_COLOURS: Final[dict[Colour, str]] = {"good": "green", "warning": "orange", "bad": "redBright", "unknown": "gray"}
# Azure's number for a unit (24: seconds, 17: counts, 0: none); a fraction is shown in percent.
_UNITS: Final[dict[Unit, int]] = {"seconds": 24, "count": 17}


def workbook(board: Board, workspace: str | None) -> str:
    """Return the workbook as JSON text; the same board gives the same text.

    `workspace` is the resource id chosen at first, or None: then the reader picks one.
    """
    items = [_parameters(board, workspace), _tabs(board), *(_tab(board, row) for row in board.rows)]
    content = {
        "version": "Notebook/1.0",
        "items": items,
        "fallbackResourceIds": ["Azure Monitor"],
        "$schema": "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json",
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _parameters(board: Board, workspace: str | None) -> dict[str, Any]:
    chosen = {} if workspace is None else {"value": workspace}
    kinds = [{"value": kind, "label": kind, "selected": kind == "live"} for kind in ("live", "mirror", "canary", "batch")]
    durations = [{"durationMs": hours * 3_600_000} for hours in (1, 4, 24, 72, 168, 720)]
    parameters: list[dict[str, Any]] = [
        {
            "name": "TimeRange",
            "label": "Time range",
            "type": _TIME,
            "value": {"durationMs": 24 * 3_600_000},
            "typeSettings": {"selectableValues": durations, "allowCustom": True},
        },
        {
            "name": "Workspace",
            "label": "Workspace",
            "type": _RESOURCE,
            "query": "resources\n| where type =~ 'microsoft.operationalinsights/workspaces'\n| project id",
            "crossComponentResources": ["value::all"],
            "queryType": 1,
            "resourceType": "microsoft.resourcegraph/resources",
            "typeSettings": {"additionalResourceOptions": []},
            **chosen,
        },
        _choice("Endpoint", "Endpoint", Query(ALERT_ACTIVE, "last", ("endpoint",)), {}),
        _choice("Deployment", "Deployment", Query(ALERT_ACTIVE, "last", ("deployment",)), {"endpoint": SELECTION["endpoint"]}),
        # Kinds of traffic are never mixed: one is looked at at a time.
        {"name": "Traffic", "label": "Traffic", "type": _DROP_DOWN, "jsonData": json.dumps(kinds), "value": "live"},
    ]
    items = [{"id": _id(board, each["name"]), "version": "KqlParameterItem/1.0", "isRequired": True, **each} for each in parameters]
    content = {"version": "KqlParameterItem/1.0", "parameters": items, "style": "pills", **_LOGS}
    return {"type": _PARAMETERS, "name": "parameters", "content": content}


def _choice(name: str, label: str, query: Query, selection: dict[str, str]) -> dict[str, Any]:
    """Return a drop-down of several values, filled from the workspace; at first all of them."""
    return {
        "name": name,
        "label": label,
        "type": _DROP_DOWN,
        "multiSelect": True,
        "quote": "'",
        "delimiter": ",",
        "query": f"{kql(query, '', selection)}\n| where {query.by[0]} != '{ALL}'\n| project {query.by[0]}\n| order by {query.by[0]} asc",
        "crossComponentResources": ["{Workspace}"],
        "typeSettings": {"additionalResourceOptions": ["value::all"], "selectAllValue": "*", "showDefault": False},
        "timeContextFromParameter": "TimeRange",
        "defaultValue": "value::all",
        "value": ["value::all"],
        **_LOGS,
    }


def _tabs(board: Board) -> dict[str, Any]:
    links = [
        {
            "id": _id(board, "tab", row.title),
            "cellValue": "Tab",
            "linkTarget": "parameter",
            "linkLabel": row.title,
            "subTarget": _slug(row.title),
            "preselect": number == 0,
            "style": "link",
        }
        for number, row in enumerate(board.rows)
    ]
    return {"type": _LINKS, "name": "tabs", "content": {"version": "LinkItem/1.0", "style": "tabs", "links": links}}


def _tab(board: Board, row: Row) -> dict[str, Any]:
    slug = _slug(row.title)
    steps = [step for panel in row.panels for step in (_text(panel, slug), _step(panel, slug))]
    return {
        "type": _GROUP,
        "name": f"tab {slug}",
        "conditionalVisibility": {"parameterName": "Tab", "comparison": "isEqualTo", "value": slug},
        "content": {"version": "NotebookGroup/1.0", "groupType": "editable", "title": board.description, "items": steps},
    }


def _text(panel: Panel, slug: str) -> dict[str, Any]:
    return {"type": _TEXT, "name": f"{slug}: about {panel.title}", "content": {"json": f"**{panel.title}.** {panel.description}"}}


def _step(panel: Panel, slug: str) -> dict[str, Any]:
    over_time = panel.shape in ("line", "states")
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": lines_query(panel) if over_time else table_query(panel),
        "size": 0,
        "title": panel.title,
        "noDataMessage": "No data: nobody is looking, which is not health.",
        "timeContextFromParameter": "TimeRange",
        "crossComponentResources": ["{Workspace}"],
        "visualization": "timechart" if over_time else "table",
        **_LOGS,
    }
    if over_time:
        line = {"customThresholdLine": f"{panel.thresholds[0].value:g}", "customThresholdLineStyle": 1} if panel.thresholds else {}
        content["chartSettings"] = {"showLegend": True, "ySettings": {"numberFormatSettings": _number(panel.unit)}, **line}
    else:
        content["gridSettings"] = {
            "formatters": [_format(panel, series, first=series is panel.series[0]) for series in panel.series if series.name]
        }
    return {"type": _QUERY, "name": f"{slug}: {panel.title}", "content": content}


def lines_query(panel: Panel) -> str:
    """Return KQL with the columns TimeGenerated, Series and Value, for the largest series only: a chart holds 100."""
    parts = [f"{kql(series.query, '{TimeRange:grain}', SELECTION)}\n| extend Series = {_named(series)}" for series in panel.series]
    text = parts[0] if len(parts) == 1 else "union\n" + ",\n".join(f"({part})" for part in parts)
    text = f"let data = {text}\n| project TimeGenerated, Series, Value;\n"
    text += f"let largest = data\n| summarize Largest = max(Value) by Series\n| top {panel.top} by Largest desc;\n"
    return text + "data\n| where Series in (largest | project Series)"


def table_query(panel: Panel) -> str:
    """Return KQL with a row for each answer to the first series; the others are joined to it where there are any."""
    first, *others = panel.series
    by = first.query.by
    text = kql(first.query, "", SELECTION)
    for number, series in enumerate(others, start=1):
        keys = [name for name in by if name in series.query.by]
        # What is joined by needs no choosing again: a query may have 3,000 characters.
        rest = {name: chosen for name, chosen in SELECTION.items() if name not in keys}
        text += f"\n| join kind=leftouter ({kql(series.query, '', rest, f'Value{number}')}) on {', '.join(map(column, keys))}"
    headings = {_heading(panel, series): f"Value{number or ''}" for number, series in enumerate(panel.series) if series.name}
    columns = [*map(column, by), *(f"['{name}'] = {value}" for name, value in headings.items()), "['as of'] = TimeGenerated"]
    return f"{text}\n| project {', '.join(columns)}\n| top {_ROWS} by ['{next(iter(headings))}'] desc"


def _heading(panel: Panel, series: Series) -> str:
    """Return the title of a column; what is a tile elsewhere is a row here, told apart by its attributes."""
    return series.name if panel.shape == "table" else panel.title


def _named(series: Series) -> str:
    """Return a KQL expression for the name of a line: `{a} errors` becomes strcat(a, ' errors')."""
    parts: list[str] = []
    for piece in series.name.replace("{", "\0").replace("}", "\0").split("\0"):
        attribute = piece in series.query.by
        if piece:
            parts.append(column(piece) if attribute else f"'{piece}'")
    return f"strcat({', '.join(parts)})"


def _format(panel: Panel, series: Series, *, first: bool) -> dict[str, Any]:
    """Return how a column is shown. What fits no threshold and no state is no data, and grey."""
    shown = {"columnMatch": _heading(panel, series), "numberFormat": _number(series.unit or panel.unit)}
    if not first or not (panel.thresholds or panel.states):
        return {**shown, "formatter": 0}
    grid = [_step_of_grid("==", f"{state.value}", state.colour, state.text) for state in panel.states]
    steps = (*panel.thresholds, Threshold(0, "good")) if panel.thresholds else ()
    grid += [_step_of_grid(">=", f"{each.value:g}", each.colour, "{0}{1}") for each in sorted(steps, key=_value, reverse=True)]
    grid.append(_step_of_grid("Default", None, "unknown", "no data"))
    options = {"thresholdsOptions": "colors", "thresholdsGrid": grid}
    return {**shown, "formatter": _THRESHOLDS, "formatOptions": options}


def _step_of_grid(operator: str, value: str | None, colour: Colour, text: str) -> dict[str, Any]:
    return {"operator": operator, "thresholdValue": value, "representation": _COLOURS[colour], "text": text}


def _value(threshold: Threshold) -> float:
    return threshold.value


def _number(unit: Unit) -> dict[str, Any]:
    style = "percent" if unit == "ratio" else "decimal"
    return {"unit": _UNITS.get(unit, 0), "options": {"style": style, "maximumFractionDigits": 3}}


def _slug(title: str) -> str:
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def _id(board: Board, *path: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(("driftline", board.name, *path))))
