"""The changes between two OpenAPI descriptions that break programs written for the first. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
#: Members that say something about a value without limiting it.
_WORDS = ("description", "title", "default", "examples")


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """Return a sentence for each change of ``after`` that breaks a program written for ``before``."""
    return [*_in_operations(before, after), *_in_schemas(before, after)]


def _in_operations(before: Schema, after: Schema) -> Iterator[str]:
    for path, operations in before["paths"].items():
        for method, operation in operations.items():
            where = f"{method.upper()} {path}"
            present = after["paths"].get(path, {}).get(method)
            if present is None:
                yield f"{where} is gone."
                continue
            yield from _in_parameters(where, _parameters(before, operation), _parameters(after, present))
            for status in operation["responses"]:
                if status not in present["responses"]:
                    yield f"{where} no longer documents the status {status}."
            if not _is_required(operation) and _is_required(present):
                yield f"{where} requires a body."
    for name, response in before["components"].get("responses", {}).items():
        codes = _codes(response)
        for code in sorted(codes - _codes(after["components"]["responses"].get(name, {}))):
            yield f"The error code {code} ({name}) is gone."


def _in_parameters(where: str, before: Mapping[str, Schema], after: Mapping[str, Schema]) -> Iterator[str]:
    for name, parameter in before.items():
        if name not in after:
            yield f"{where} no longer takes the parameter {name}."
        elif after[name].get("required") and not parameter.get("required"):
            yield f"{where} requires the parameter {name}."
        elif parameter != after[name] and _limits(parameter["schema"]) != _limits(after[name]["schema"]):
            yield f"{where} takes other values of the parameter {name}."
    for name in after.keys() - before.keys():
        if after[name].get("required"):
            yield f"{where} requires the new parameter {name}."


def _in_schemas(before: Schema, after: Schema) -> Iterator[str]:
    sent = _sent(after)
    for name, schema in before["components"]["schemas"].items():
        present = after["components"]["schemas"].get(name)
        if present is None:
            yield f"The schema {name} is gone."
            continue
        for field, property_ in schema.get("properties", {}).items():
            if field not in present.get("properties", {}):
                yield f"{name}.{field} is gone."
            elif property_ != (now := present["properties"][field]) and _limits(property_) != _limits(now):
                yield f"{name}.{field} has another type."
        now_required = set(present.get("required", ())) - set(schema.get("required", ()))
        if name in sent:
            yield from (f"{name}.{field} is required by now." for field in sorted(now_required))
        else:
            gone = set(schema.get("required", ())) - set(present.get("required", ()))
            yield from (f"{name}.{field} can be missing by now." for field in sorted(gone))


def _parameters(description: Schema, operation: Schema) -> dict[str, Schema]:
    found = {}
    for parameter in operation.get("parameters", []):
        resolved = parameter
        if "$ref" in parameter:
            resolved = description["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        found[f"{resolved['in']} {resolved['name']}"] = resolved
    return found


def _is_required(operation: Schema) -> bool:
    return bool(operation.get("requestBody", {}).get("required", False))


def _codes(response: Schema) -> set[str]:
    return {code for content in response.get("content", {}).values() for code in content.get("examples", {})}


def _limits(schema: Any) -> str:
    """Return what a schema requires of values, as text."""
    return json.dumps(_without_words(schema), sort_keys=True)


def _without_words(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_words(value) for name, value in part.items() if name not in _WORDS}
    return [_without_words(value) for value in part] if isinstance(part, list) else part


def _sent(description: Schema) -> set[str]:
    """Return the names of the schemas that requests contain."""
    bodies = [
        operation.get("requestBody", {})
        for operations in description["paths"].values()
        for operation in operations.values()
    ]
    found: set[str] = set()
    waiting: list[Any] = list(bodies)
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if "/schemas/" in str(part.get("$ref", "")) and name not in found:
                found.add(name)
                waiting.append(description["components"]["schemas"][name])
        elif isinstance(part, list):
            waiting.extend(part)
    return found
