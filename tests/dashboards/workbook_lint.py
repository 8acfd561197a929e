"""Says what is wrong with an Azure Workbook: limits and rules of Microsoft's gallery that its loose schema does not know."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

BUILT_IN_SUFFIXES = {"start", "end", "grain", "label", "seconds", "query", "value"}
TEXT, QUERY, PARAMETERS, LINKS, GROUP = 1, 3, 9, 11, 12


def problems(workbook: dict[str, Any]) -> list[str]:
    """Return every problem as `where: what`; empty when there is none."""
    steps = list(_steps(workbook["items"]))
    parameters = [each for step in steps if step["type"] == PARAMETERS for each in step["content"]["parameters"]]
    return [
        *_limits(workbook, steps),
        *_queries(steps),
        *_names(steps, parameters),
        *_parameters(parameters),
        *_references(steps, parameters),
        *_tabs(steps),
    ]


def queries(workbook: dict[str, Any]) -> dict[str, str]:
    """Return the KQL of every step and parameter over logs, with typed samples in the place of parameters."""
    found: dict[str, str] = {}
    for step in _steps(workbook["items"]):
        if step["type"] == QUERY:
            found[step["name"]] = sampled(step["content"]["query"])
        for each in step["content"].get("parameters", []):
            if each.get("queryType") == 0 and "query" in each:
                found[f"parameter {each['name']}"] = sampled(each["query"])
    return found


def sampled(query: str) -> str:
    """Put a value of the right type in the place of each parameter, as the portal does."""
    samples = {
        "{TimeRange:start}": "datetime(2026-11-20T00:00:00Z)",
        "{TimeRange:end}": "datetime(2026-11-21T00:00:00Z)",
        "{TimeRange:grain}": "5m",
        "{Endpoint}": "'*'",
        "{Deployment}": "'blue','green'",
        "{Traffic}": "live",
    }
    for name, value in samples.items():
        query = query.replace(name, value)
    return query


def _steps(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield item
        yield from _steps(item["content"].get("items", []))


def _limits(workbook: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[str]:
    text = json.dumps(workbook)
    if len(text) > 100_000:
        yield "workbook: more than 100 KB"
    if re.search(r"/subscriptions/[0-9a-f-]{36}", text):
        yield "workbook: names somebody's resource"
    if len(steps) > 100:
        yield "workbook: more than 100 steps"
    if sum(step["type"] == QUERY for step in steps) > 40:
        yield "workbook: more than 40 log queries"
    for step in steps:
        if step["type"] == GROUP and len(step["content"]["items"]) > 30:
            yield f"{step['name']}: more than 30 steps in a group"


def _queries(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        if step["type"] == QUERY:
            if len(step["content"]["query"]) > 3000:
                yield f"{step['name']}: a query of more than 3,000 characters"
            if not step["content"]["query"].lstrip().startswith(("AppMetrics", "let ")):
                yield f"{step['name']}: a query that does not start with a table"
            if not step["content"].get("noDataMessage"):
                yield f"{step['name']}: says nothing where there is no data"


def _names(steps: list[dict[str, Any]], parameters: list[dict[str, Any]]) -> Iterator[str]:
    for name, times in Counter(step.get("name", "") for step in steps).items():
        if not name or times > 1:
            yield f"steps: {times} are called '{name}'"
    links = [link for step in steps if step["type"] == LINKS for link in step["content"]["links"]]
    for name, times in Counter(str(UUID(each["id"])) for each in (*parameters, *links)).items():
        if times > 1:
            yield f"ids: {times} are {name}"


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    for each in parameters:
        if not each.get("label"):
            yield f"parameter {each['name']}: no label"


def _references(steps: list[dict[str, Any]], parameters: list[dict[str, Any]]) -> Iterator[str]:
    known = {each["name"] for each in parameters}
    for step in steps:
        if step["type"] not in (QUERY, PARAMETERS):
            continue
        text = json.dumps(step["content"])
        for name, suffix in re.findall(r"\{([A-Z]\w*)(?::(\w+))?\}", text):
            if name not in known or (suffix and suffix not in BUILT_IN_SUFFIXES):
                yield f"{step['name']}: {{{name}}} is no parameter"
        times = [step["content"], *step["content"].get("parameters", [])]
        for each in times:
            if each.get("timeContextFromParameter", "TimeRange") not in known:
                yield f"{step['name']}: its time comes from no parameter"


def _tabs(steps: list[dict[str, Any]]) -> Iterator[str]:
    offered = {
        (link["cellValue"], link["subTarget"])
        for step in steps
        if step["type"] == LINKS and step["content"]["style"] == "tabs"
        for link in step["content"]["links"]
    }
    shown = {(each["parameterName"], each["value"]) for step in steps if (each := step.get("conditionalVisibility"))}
    yield from (f"tab {tab}: nothing is shown in it" for tab in sorted(offered - shown))
    yield from (f"tab {tab}: nobody can open it" for tab in sorted(shown - offered))
