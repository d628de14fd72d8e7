"""Stores an operation with its items in the caller's transaction: one statement for each page of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections, models
from django.db.models.fields import NOT_PROVIDED
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from operations.models import BatchOperation, OperationItem
from operations.sealed_input import sealed_item
from operations.submission.item_checks import copy_of, form_of

#: Rows of one statement. COPY would be faster, but PostgreSQL refuses it under row-level security.
PAGE: Final = 2_000
_LISTED: Final = {"id": "uuid", "number": "int", "input": "bytea", "copy_id": "uuid", "application_form_id": "uuid"}


def store_items(operation: BatchOperation, items: Iterable[tuple[int, msgspec.Struct]], *, alias: str) -> None:
    """Store ``items`` (number and item) of ``operation``, sealed."""
    constants = _constants(operation)
    columns = [*_LISTED, *constants]
    sources = [*(f"g.{name}" for name in _LISTED), *(["%s"] * len(constants))]
    lists = ", ".join(f"%s::{type_}[]" for type_ in _LISTED.values())
    statement = (
        f"INSERT INTO {OperationItem._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 - names of our own columns
        f"SELECT {', '.join(sources)} FROM unnest({lists}) AS g ({', '.join(_LISTED)})"
    )
    with connections[alias].cursor() as cursor:
        for page in _pages(_rows(operation, items)):
            cursor.execute(statement, [*constants.values(), *(list(column) for column in zip(*page, strict=True))])


def _rows(
    operation: BatchOperation, items: Iterable[tuple[int, msgspec.Struct]]
) -> Iterator[tuple[UUID, int, bytes, UUID | None, UUID | None]]:  # fmt: skip
    for number, item in items:
        item_id = uuid7()
        content = sealed_item(item, tenant_id=operation.tenant_id, item_id=item_id)
        yield item_id, number, content, copy_of(item), form_of(item)


def _constants(operation: BatchOperation) -> dict[str, Any]:
    """Return the columns that are the same for all new items; those that may be null are left out."""
    values: dict[str, Any] = {"tenant_id": operation.tenant_id, "operation_id": operation.id}
    for field in OperationItem._meta.concrete_fields:
        if field.attname not in _LISTED and field.attname not in values and not field.null:
            values[field.attname] = _default(field)
    return values


def _default(field: models.Field[Any, Any]) -> object:
    default = field.get_default() if field.default is not NOT_PROVIDED else ""
    return Jsonb(default) if isinstance(field, models.JSONField) else default


def _pages(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while page := list(islice(rows, PAGE)):
        yield page
