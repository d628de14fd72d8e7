"""Reads one row, with the rows that it refers to, by a statement whose plan the database keeps.

For rows that every request reads: Django composes a statement for each query, and PostgreSQL plans it, each of which
takes longer than to execute it. The columns come as one text, which takes half as long as fifty values. Nothing is
remembered but the statement and its plan, so a change counts from the next request on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, Optional, TypeVar
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

from tenants.postgresql.kept_plans import KeptPlan

M = TypeVar("M", bound=models.Model)

#: What Django makes of the columns that are read here, by their types.
_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("varchar", "text", "jsonb"), str),
    **dict.fromkeys(("smallint", "integer", "bigint"), int),
    "boolean": bool,
    "uuid": UUID,
    "timestamp with time zone": datetime,
    "varchar[]": list[str],
}


@dataclass(frozen=True)
class _Part:
    """The columns of one model in the row; ``end`` is exclusive."""

    model: type[models.Model]
    begin: int
    end: int

    @cached_property
    def names(self) -> list[str]:
        """Return the attributes, in the order of the columns."""
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def key(self) -> int:
        """Return the place of the primary key among the columns."""
        return self.names.index(self.model._meta.pk.attname)

    def read(self, row: list[Any]) -> models.Model | None:
        """Return the instance in ``row``, None where the reference is empty."""
        if row[self.begin + self.key] is None:
            return None
        # As ``from_db`` makes it, without the checks and signals of models that are made by hand.
        instance = self.model.__new__(self.model)
        instance.__dict__.update(zip(self.names, row[self.begin : self.end], strict=True), _state=_loaded())
        return instance


class RowLookup(Generic[M]):
    """Finds the row of ``model``, a table of the shared database, by its unique field ``by``.

    ``path`` names foreign keys, each in the model that the one before refers to. A migration creates ``plan``, whose
    name begins with ``prefix``.
    """

    def __init__(self, prefix: str, model: type[M], *, by: str, path: tuple[str, ...] = ()) -> None:
        self._prefix, self._model, self._by, self._path = prefix, model, by, path

    def find(self, value: Any) -> M | None:
        """Return the row with ``value``, its references already loaded; None if there is no such row."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(self.plan.call, {"value": value})
            found = cursor.fetchone()
        if found is None:
            return None
        row = list(self._decoder.decode(found[0]))
        for place, field in self._converted:
            row[place] = field.from_db_value(row[place], None, connection)
        first, *others = (part.read(row) for part in self._parts)
        owner: models.Model | None = first
        for name, instance in zip(self._path, others, strict=True):
            if owner is not None:
                owner._meta.get_field(name).set_cached_value(owner, instance)  # type: ignore[union-attr]
            owner = instance
        return first  # type: ignore[return-value]

    @cached_property
    def plan(self) -> KeptPlan:
        """Return the statement: it returns the columns of all parts as one JSON array."""
        columns, joins = [], []
        for number, part in enumerate(self._parts):
            columns += [f'r{number}."{field.column}"{_cast(field)}' for field in part.model._meta.concrete_fields]
            if number:
                key: Any = self._parts[number - 1].model._meta.get_field(self._path[number - 1])
                primary = part.model._meta.pk.column
                condition = f'r{number}."{primary}" = r{number - 1}."{key.column}"'
                joins.append(f'LEFT JOIN "{part.model._meta.db_table}" r{number} ON {condition}')
        by: Any = self._model._meta.get_field(self._by)
        table = f'"{self._model._meta.db_table}" r0'
        text = (
            f"SELECT json_build_array({', '.join(columns)})::text FROM {table} {' '.join(joins)} "  # noqa: S608 - our own names
            f'WHERE r0."{by.column}" = %(value)s'
        )
        kind = "uuid" if _kind(by) == "uuid" else "text"
        return KeptPlan(self._prefix, text, {"value": kind}, {"columns": "text"})

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[tuple[Any, ...]]:
        """Return the decoder of the array: each value as Django reads it, or None."""
        fields = [field for part in self._parts for field in part.model._meta.concrete_fields]
        types = tuple(Optional[_TYPES[_kind(field)]] for field in fields)  # noqa: UP045 - made of values
        return msgspec.json.Decoder(tuple.__class_getitem__(types))

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        return tuple(self._walk())

    def _walk(self) -> Iterator[_Part]:
        model: Any = self._model
        begin = 0
        for length in range(len(self._path) + 1):
            if length:
                model = model._meta.get_field(self._path[length - 1]).related_model
            end = begin + len(model._meta.concrete_fields)
            yield _Part(model, begin, end)
            begin = end

    @cached_property
    def _converted(self) -> list[tuple[int, Any]]:
        """Return the places of the columns whose fields convert what the database returns."""
        fields = [field for part in self._parts for field in part.model._meta.concrete_fields]
        return [(place, field) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]


def _loaded() -> ModelState:
    """Return the state of an instance that was read from the shared database."""
    state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return state


def _kind(field: Any) -> str:
    """Return the type of the column of ``field``, without its length."""
    kind: str = field.db_type(connections[DEFAULT_DB_ALIAS])
    return re.sub(r"\(\d+\)", "", kind)


def _cast(field: Any) -> str:
    """Return the cast of a column: Django reads JSON from its text."""
    return "::text" if _kind(field) == "jsonb" else ""
