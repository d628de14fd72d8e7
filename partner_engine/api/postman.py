"""The Postman collection (2.1) of the API, made from its OpenAPI description. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
JSON: Final = "application/json"
COLLECTION_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_METHODS: Final = ("get", "post", "patch", "put", "delete")


def postman_collection(description: Schema) -> dict[str, Any]:
    """Return the collection: a folder for each first part of an address, a request for each operation.

    Set the variables ``host``, ``client_id`` and ``client_secret``; Postman then gets the token by itself.
    """
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in description["paths"].items():
        for method in filter(operations.__contains__, _METHODS):
            if not operations[method].get("deprecated"):
                folder = path.split("/")[3]
                folders.setdefault(folder, []).append(_item(description, path, method, operations[method]))
    return {
        "info": {"name": description["info"]["title"], "schema": COLLECTION_SCHEMA},
        "auth": {"type": "oauth2", "oauth2": list(_token())},
        "variable": [
            {"key": "host", "value": "http://localhost:8000"},
            {"key": "client_id", "value": "harbor-demo"},
            {"key": "client_secret", "value": ""},
        ],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


def _token() -> Iterator[dict[str, str]]:
    values = {
        "grant_type": "client_credentials",
        "accessTokenUrl": "{{host}}/o/token/",
        "clientId": "{{client_id}}",
        "clientSecret": "{{client_secret}}",
        "client_authentication": "header",
        "addTokenTo": "header",
    }
    for key, value in values.items():
        yield {"key": key, "value": value, "type": "string"}


def _item(description: Schema, path: str, method: str, operation: Schema) -> dict[str, Any]:
    parts = [re.sub(r"\{(\w+)\}", r":\1", part) for part in path.strip("/").split("/")]
    parameters = [_resolved(description, parameter) for parameter in operation.get("parameters", [])]
    queries = [parameter for parameter in parameters if parameter["in"] == "query"]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation["description"],
        "header": [{"key": "Accept", "value": JSON}],
        "url": {
            "raw": "{{host}}/" + "/".join(parts),
            "host": ["{{host}}"],
            "path": parts,
            "variable": [{"key": part[1:], "value": ""} for part in parts if part.startswith(":")],
            "query": [
                {"key": parameter["name"], "value": "", "disabled": not parameter.get("required", False)}
                for parameter in queries
            ],
        },
    }
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    # A body without examples is a file.
    if content and "examples" in content:
        [example, *_] = content["examples"].values()
        request["header"].append({"key": "Content-Type", "value": JSON})
        request["body"] = {"mode": "raw", "raw": json.dumps(_resolved(description, example)["value"], indent=2)}
    return {"name": operation["summary"], "request": request}


def _resolved(description: Schema, part: Schema) -> Schema:
    """Return the component that ``part`` refers to, or ``part`` itself."""
    if "$ref" not in part:
        return part
    *_, kind, name = part["$ref"].split("/")
    found: Schema = description["components"][kind][name]
    return found
