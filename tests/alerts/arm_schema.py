"""Validates Azure templates and workbooks by the published JSON Schemas beside the project, plainly or strictly."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, Draft7Validator  # type: ignore[import-untyped] # has no types
from jsonschema.protocols import Validator  # type: ignore[import-untyped] # has no types
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "schemas"
FILES = {
    "Microsoft.Insights/scheduledQueryRules": "arm/{version}/Microsoft.Insights.json",
    "Microsoft.Insights/workbooks": "arm/{version}/Microsoft.Insights.Application.json",
}


def errors(resource: dict[str, Any], *, strict: bool) -> list[str]:
    """Return what the schema of a resource's own type and version has against it; strictly, unknown keys are errors too."""
    path = FILES[resource["type"]].format(version=resource["apiVersion"])
    kind = resource["type"].split("/")[1]
    return _errors(_validator(path, f"/resourceDefinitions/{kind}", strict), resource)


def template_errors(template: dict[str, Any]) -> list[str]:
    """Return what the schema of deployment templates has against one, its resources apart."""
    return _errors(_validator("arm/2019-04-01/deploymentTemplate.json", "", strict=False), {**template, "resources": []})


def workbook_errors(workbook: dict[str, Any]) -> list[str]:
    """Return what the schema of workbooks has against one."""
    return _errors(Draft7Validator(_load("workbook.json")), workbook)


def _errors(validator: Validator, value: Any) -> list[str]:
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in _leaves(list(validator.iter_errors(value)))]


def _leaves(found: list[Any]) -> list[Any]:
    """Return the innermost errors: `oneOf` says only that nothing fits, what it holds says why."""
    return [leaf for error in found for leaf in (_leaves(list(error.context)) if error.context else [error])]


@cache
def _validator(path: str, pointer: str, strict: bool) -> Validator:  # noqa: FBT001 - a key of the cache
    common = _load("arm/common/definitions.json")
    schema = _load(path)
    if strict:
        common, schema = _closed(common), _closed(schema)
    known = [(each["id"].rstrip("#"), Resource.from_contents(each)) for each in (common, schema)]
    registry: Registry[Any] = Registry().with_resources(known)
    return Draft4Validator({"$ref": f"{known[1][0]}#{pointer}"}, registry=registry)


def _closed(schema: Any) -> Any:
    """Return the schema with unknown keys forbidden wherever keys are listed."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema["properties"] and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _load(path: str) -> Any:
    return json.loads((SCHEMAS / path).read_text("utf-8"))
