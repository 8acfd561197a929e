"""Writes a board as Grafana's classic dashboard JSON over Prometheus; Azure's portal and Managed Grafana take it too."""

import json
from string import ascii_uppercase
from typing import Any, Final
from zlib import crc32

from alerts.query import Query, promql, series_name
from alerts.rule import ALL
from dashboards.board import Board, Colour, Panel, Row, Series, State, Threshold, Unit
from detectors.catalog import ALERT_ACTIVE, Metric

# What is said of a whole endpoint, such as a stale source, belongs to each deployment and kind of traffic.
SELECTION: Final = {
    "endpoint": 'endpoint=~"$endpoint"',
    "deployment": f'deployment=~"$deployment|{ALL}"',
    "traffic": f'traffic=~"$traffic|{ALL}"',
}

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_UNITS: Final[dict[Unit, str]] = {
    "score": "none",
    "ratio": "percentunit",
    "seconds": "s",
    "days": "d",
    "bytes": "bytes",
    "per_second": "ops",
    "count": "short",
}
# Okabe and Ito's palette: told apart by people who see no red or no green.
_COLOURS: Final[dict[Colour, str]] = {"good": "#009E73", "warning": "#E69F00", "bad": "#D55E00", "unknown": "#999999"}
_COLUMNS = 24


def dashboard(board: Board) -> str:
    """Return the dashboard as JSON text; the same board gives the same text."""
    content = {
        "uid": board.name,
        "title": board.title,
        "description": board.description,
        "tags": ["driftline"],
        "schemaVersion": 42,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "annotations": {"list": [_annotation()]},
        "templating": {"list": _variables()},
        "links": [],
        "panels": _panels(board),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _panels(board: Board) -> list[dict[str, Any]]:
    """Lay the rows out from left to right and top to bottom."""
    found: list[dict[str, Any]] = []
    top = 0
    for row in board.rows:
        found.append(_heading(board, row, top))
        top += 1
        left = tallest = 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            position = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            found.append({"id": _id(board, row.title, panel.title), "gridPos": position, **_panel(panel)})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return found


def _heading(board: Board, row: Row, top: int) -> dict[str, Any]:
    position = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
    return {"id": _id(board, row.title), "type": "row", "title": row.title, "collapsed": False, "gridPos": position, "panels": []}


def _id(board: Board, *path: str) -> int:
    """Return an id that stays when other panels come and go: links and alerts point at it."""
    return crc32("/".join((board.name, *path)).encode()) & 0x7FFFFFFF


def _panel(panel: Panel) -> dict[str, Any]:
    kinds: dict[str, Any] = {"line": _line, "number": _number, "states": _states, "table": _table}
    targets = [_target(panel, series, letter) for series, letter in zip(panel.series, ascii_uppercase, strict=False)]
    shared = {"title": panel.title, "description": panel.description, "datasource": _SOURCE, "targets": targets}
    drawn: dict[str, Any] = kinds[panel.shape](panel)
    return {**shared, **drawn}


def _target(panel: Panel, series: Series, letter: str) -> dict[str, Any]:
    over_time = panel.shape in ("line", "states")
    window = ("$__rate_interval" if over_time else "$__range") if series.query.metric.kind != "gauge" else ""
    target: dict[str, Any] = {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": promql(series.query, window, SELECTION),
        # What stands for now is asked for now: a series that went stale must not show its last value.
        "range": over_time,
        "instant": not over_time,
    }
    if panel.shape == "table":
        return {**target, "format": "table"}
    return {**target, "legendFormat": series.name.replace("{", "{{").replace("}", "}}")}


def _line(panel: Panel) -> dict[str, Any]:
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "auto",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
    }
    return {
        "type": "timeseries",
        "fieldConfig": {"defaults": {**_defaults(panel, base=None), "custom": custom}, "overrides": []},
        "options": {"legend": _legend(), "tooltip": {"mode": "multi", "sort": "desc"}},
    }


def _number(panel: Panel) -> dict[str, Any]:
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value_and_name",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return {"type": "stat", "fieldConfig": {"defaults": _defaults(panel, base="good"), "overrides": []}, "options": options}


def _states(panel: Panel) -> dict[str, Any]:
    return {
        "type": "state-timeline",
        "fieldConfig": {"defaults": {**_defaults(panel, base="unknown"), "custom": {"lineWidth": 0, "fillOpacity": 80}}, "overrides": []},
        "options": {
            "mergeValues": True,
            "showValue": "never",
            "rowHeight": 0.9,
            "alignValue": "left",
            "legend": _legend(),
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }


def _table(panel: Panel) -> dict[str, Any]:
    # Grafana calls the value of one query `Value` and those of several `Value #A`, `Value #B`, …
    columns = {f"Value #{letter}": series for series, letter in zip(panel.series, ascii_uppercase, strict=False)}
    if len(columns) == 1:
        columns = {"Value": panel.series[0]}
    hidden = {"Time": True} | {column: True for column, series in columns.items() if not series.name}
    named = [series for series in panel.series if series.name]
    organize = {"excludeByName": hidden, "renameByName": {column: series.name for column, series in columns.items() if series.name}}
    overrides = [_override(panel, series, first=series is panel.series[0]) for series in named]
    return {
        "type": "table",
        "fieldConfig": {"defaults": {"noValue": "no data"}, "overrides": overrides},
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": named[0].name, "desc": True}]},
        "transformations": [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
    }


def _override(panel: Panel, series: Series, *, first: bool) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [{"id": "unit", "value": _UNITS[series.unit or panel.unit]}]
    if first and panel.thresholds:
        properties += [
            {"id": "thresholds", "value": _thresholds(panel.thresholds, "good")},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    if first and panel.states:
        properties += [
            {"id": "mappings", "value": _mappings(panel.states)},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    return {"matcher": {"id": "byName", "options": series.name}, "properties": properties}


def _defaults(panel: Panel, base: Colour | None) -> dict[str, Any]:
    """Return what holds for all fields; without `base` the thresholds are lines and the series keep their own colours."""
    coloured = base is not None and bool(panel.thresholds or panel.states)
    return {
        "unit": _UNITS[panel.unit],
        "noValue": "no data",
        "color": {"mode": "thresholds" if coloured else "palette-classic" if base is None else "fixed", "fixedColor": "text"},
        "thresholds": _thresholds(panel.thresholds, base if coloured else None),
        "mappings": _mappings(panel.states),
    }


def _thresholds(thresholds: tuple[Threshold, ...], base: Colour | None) -> dict[str, Any]:
    steps = [{"value": None, "color": "transparent" if base is None else _COLOURS[base]}]
    return {"mode": "absolute", "steps": steps + [{"value": each.value, "color": _COLOURS[each.colour]} for each in thresholds]}


def _mappings(states: tuple[State, ...]) -> list[dict[str, Any]]:
    named = {
        str(state.value): {"text": state.text, "color": _COLOURS[state.colour], "index": number} for number, state in enumerate(states)
    }
    nothing = {"match": "null+nan", "result": {"text": "no data", "color": _COLOURS["unknown"], "index": len(states)}}
    return [*([{"type": "value", "options": named}] if named else []), {"type": "special", "options": nothing}]


def _legend() -> dict[str, Any]:
    return {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def _variables() -> list[dict[str, Any]]:
    name = series_name(ALERT_ACTIVE)
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0, "refresh": 1},
        _choice("endpoint", "Endpoint", f"label_values({name}, endpoint)"),
        _choice("deployment", "Deployment", f'label_values({name}{{endpoint=~"$endpoint", deployment!="{ALL}"}}, deployment)'),
        # Kinds of traffic are never mixed: one is looked at at a time.
        {
            "name": "traffic",
            "label": "Traffic",
            "type": "custom",
            "query": "live,mirror,canary,batch",
            "current": {"text": "live", "value": "live"},
            "options": [{"text": kind, "value": kind, "selected": kind == "live"} for kind in ("live", "mirror", "canary", "batch")],
            "hide": 0,
            "multi": False,
            "includeAll": False,
        },
    ]


def _choice(name: str, label: str, query: str) -> dict[str, Any]:
    """Return a variable filled from Prometheus whenever the time range changes; all of it also fits series without the label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _annotation() -> dict[str, Any]:
    """Return the marks of firing alerts over every panel."""
    metric: Metric = ALERT_ACTIVE
    fires = Query(metric, "last", ("endpoint", "deployment", "alert"), (("alert_severity", ("page", "warning")),), above=0)
    return {
        "name": "Alerts",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": _COLOURS["bad"],
        "expr": promql(fires, "", SELECTION),
        "titleFormat": "{{alert}}",
        "textFormat": "{{endpoint}} {{deployment}}",
    }
