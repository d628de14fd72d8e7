"""The JSON Schema (2020-12) of the answers that one catalogue takes, in their stored form. Pure.

The API takes answers in more spellings (``"$1,250,000"``) and checks more than a schema can say: conditions, relations
between answers, rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rules.definition.catalogue import CatalogueDefinition, Pool, Question
from rules.types.registry import type_of

Schema = dict[str, Any]

#: The maximum length of a caller's name for a new row.
MAX_REF: Final = 100
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NUMBER: Final[Mapping[str, Any]] = MappingProxyType({"type": "number"})
#: The form of stored answers by type of question; types that are not here are texts.
_FORMS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "boolean": {"type": "boolean"},
        "integer": {"type": "integer"},
        "year": {"type": "integer"},
        "number": _NUMBER,
        "decimal": _NUMBER,
        "money": _NUMBER,
        "percent": _NUMBER,
        "date": {"type": "string", "format": "date"},
        "email": {"type": "string", "format": "email"},
        "url": {"type": "string", "format": "uri"},
        "zip": {"type": "string", "pattern": "^[0-9]{5}(-[0-9]{4})?$"},
        "fein": {"type": "string", "pattern": "^[0-9]{2}-[0-9]{7}$"},
        "ssn": {"type": "string", "pattern": "^[0-9]{3}-[0-9]{2}-[0-9]{4}$"},
        "vin": {"type": "string", "pattern": "^[A-Z0-9]{5,17}$"},
        "naics": {"type": "string", "pattern": "^[0-9]{2,6}$"},
    }
)
#: Answers that are masked for the reader may be sent back as their mask.
_MASK: Final[Mapping[str, Any]] = MappingProxyType({"type": "string", "pattern": "^••••"})


def answers_schema(definition: CatalogueDefinition) -> Schema:
    """Return the schema of a body with ``answers`` and ``answer_pools`` for a catalogue."""
    questions: dict[str, list[Question]] = {}
    pools: dict[str, Pool] = {}
    for question_set in definition.question_sets:
        pool = question_set.pool
        questions.setdefault(pool.code if pool else "", []).extend(question_set.questions)
        if pool:
            pools.setdefault(pool.code, pool)
    definitions = {f"choices.{code}": _choices(labels) for code, labels in definition.choices.items()}
    definitions |= {f"row.{code}": _row(questions[code], pools, code) for code in pools}
    return {
        "$schema": DIALECT,
        "title": definition.title,
        "description": (
            "Answers in their stored form. The API takes more spellings, and checks conditions and relations too."
        ),
        "type": "object",
        "properties": _parts(questions.get("", []), pools, ""),
        "$defs": definitions,
    }


def _parts(questions: Iterable[Question], pools: Mapping[str, Pool], within: str) -> Schema:
    """Return the properties of the document (``within`` is "") or of a row of a pool."""
    nested = {code: pool for code, pool in pools.items() if pool.parent == within}
    return {
        "answers": _closed({question.code: _question(question) for question in questions}),
        "answer_pools": _closed({code: _rows(pool) for code, pool in nested.items()}),
    }


def _rows(pool: Pool) -> Schema:
    items = {"$ref": f"#/$defs/row.{pool.code}"}
    return {"type": "array", "items": items, "x-min-rows": pool.min, "x-max-rows": pool.max}


def _row(questions: Iterable[Question], pools: Mapping[str, Pool], code: str) -> Schema:
    own = {
        "id": {"type": "string", "description": "The row to change; left out for a new row."},
        "delete": {"const": True, "description": "Removes the row."},
        "ref": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_REF,
            "description": "Names a new row in the response.",
        },
    }
    return _closed({**own, **_parts(questions, pools, code)})


def _question(question: Question) -> Schema:
    kind = type_of(question.type)
    if kind.has_choices:
        choices = {"$ref": f"#/$defs/choices.{question.choices}"} if question.choices else _choices(kind.labels)
        form: Schema = choices if question.type == "choice" else _several(choices)
    elif question.type in _FORMS:
        form = dict(_FORMS[question.type])
    else:
        form = {"type": "string", "maxLength": kind.max_length}
    options = [form, *([dict(_MASK)] if question.sensitivity else []), {"type": "null"}]
    notes = {"description": question.help, "x-when": question.when, "x-sensitivity": question.sensitivity}
    return {"title": question.label, "anyOf": options, **{name: text for name, text in notes.items() if text}}


def _several(choices: Schema) -> Schema:
    return {"type": "array", "items": choices, "uniqueItems": True}


def _choices(labels: Mapping[str, str]) -> Schema:
    return {"oneOf": [{"const": code, "title": label} for code, label in labels.items()]}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}
