"""Reads one row, with the rows that it refers to, by a statement that is composed once.

For rows that every request reads: Django composes a statement for each query, which takes longer than PostgreSQL needs
to execute it. Nothing is remembered but the statement, so a change counts from the next request on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models

M = TypeVar("M", bound=models.Model)


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

    def read(self, row: list[Any]) -> models.Model | None:
        """Return the instance in ``row``, None where the reference is empty."""
        values = row[self.begin : self.end]
        instance = self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)
        return None if instance.pk is None else instance


class RowLookup(Generic[M]):
    """Finds the row of ``model``, a table of the shared database, by its unique field ``by``.

    ``path`` names foreign keys, each in the model that the one before refers to.
    """

    def __init__(self, model: type[M], *, by: str, path: tuple[str, ...] = ()) -> None:
        self._model, self._by, self._path = model, by, path

    def find(self, value: Any) -> M | None:
        """Return the row with ``value``, its references already loaded; None if there is no such row."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(self._statement, [value])
            found = cursor.fetchone()
        if found is None:
            return None
        row = list(found)
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

    @cached_property
    def _statement(self) -> str:
        columns, joins = [], []
        for number, part in enumerate(self._parts):
            columns += [f'r{number}."{field.column}"' for field in part.model._meta.concrete_fields]
            if number:
                key: Any = self._parts[number - 1].model._meta.get_field(self._path[number - 1])
                primary = part.model._meta.pk.column
                condition = f'r{number}."{primary}" = r{number - 1}."{key.column}"'
                joins.append(f'LEFT JOIN "{part.model._meta.db_table}" r{number} ON {condition}')
        by: Any = self._model._meta.get_field(self._by)
        table = f'"{self._model._meta.db_table}" r0'
        return f'SELECT {", ".join(columns)} FROM {table} {" ".join(joins)} WHERE r0."{by.column}" = %s'  # noqa: S608 - our own names
