"""The floor: one bare psycopg transaction that writes the same bytes into the same tables.

BEGIN, SELECT the document, UPDATE it by its version, INSERT the revision, INSERT the outbox rows, COMMIT; values are
bound by the server and statements prepared. It decodes nothing, changes nothing, runs no rules and takes no lock. Its
values are copied from a save of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections, models
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from actions.models import OutboxAction
from copies.models import Copy, CopyRevision
from tenants.models import Tenant

KEPT = frozenset({"id", "tenant_id", "application_form_id", "version"})


@dataclass(frozen=True, kw_only=True)
class Written:
    """The written values of one save: the columns of the copy, of the revision, and of each outbox row."""

    copy: dict[str, Any]
    revision: dict[str, Any]
    outbox: list[dict[str, Any]]


def connect(alias: str, tenant: Tenant) -> psycopg.Connection:
    """Return a bare connection to the same server as Django's ``alias``, marked with ``tenant`` for its whole life."""
    settings = connections[alias].settings_dict
    connection = psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
        sslmode="disable",
    )
    connection.execute("SELECT set_config('partner_engine.tenant', %s, false)", [str(tenant.id)])
    connection.commit()
    return connection


def read_written(connection: psycopg.Connection, copy_id: UUID) -> Written:
    """Return the values that the last save of the copy wrote."""
    copy = _rows(connection, Copy, "id = %s", [copy_id])[0]
    place = [copy_id, copy["version"]]
    revision = _rows(connection, CopyRevision, "copy_id = %s AND version = %s", place)[0]
    outbox = _rows(connection, OutboxAction, "copy_id = %s AND version = %s", place)
    connection.commit()
    return Written(
        copy={name: value for name, value in copy.items() if name not in KEPT},
        revision={name: value for name, value in revision.items() if name != "id"},
        outbox=outbox,
    )


def save(connection: psycopg.Connection, copy_id: UUID, written: Written) -> None:
    """Write ``written`` to the copy ``copy_id`` as its next version."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(f"SELECT version, document FROM {Copy._meta.db_table} WHERE id = %s", [copy_id])
        version = cursor.fetchone()[0]
        columns = ", ".join(f"{name} = %s" for name in written.copy)
        cursor.execute(
            f"UPDATE {Copy._meta.db_table} SET version = %s, {columns} WHERE id = %s AND version = %s",
            [version + 1, *written.copy.values(), copy_id, version],
        )
        assert cursor.rowcount == 1
        place = {"copy_id": copy_id, "version": version + 1}
        _insert(cursor, CopyRevision, [{**written.revision, **place}])
        _insert(cursor, OutboxAction, [{**row, "id": uuid7(), **place} for row in written.outbox])


def _insert(cursor: psycopg.Cursor, model: type[models.Model], rows: list[dict[str, Any]]) -> None:
    if rows:
        places = ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)
        columns = ", ".join(rows[0])
        values = [value for row in rows for value in row.values()]
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({columns}) VALUES {places}", values)


def _rows(
    connection: psycopg.Connection, model: type[models.Model], where: str, values: list[Any]
) -> list[dict[str, Any]]:
    columns = [field.column for field in model._meta.concrete_fields]
    found = connection.execute(f"SELECT {', '.join(columns)} FROM {model._meta.db_table} WHERE {where}", values)
    return [
        {
            name: Jsonb(value) if isinstance(value, dict | list) else value
            for name, value in zip(columns, row, strict=True)
        }
        for row in found
    ]
