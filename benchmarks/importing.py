"""Imports forms from an NDJSON file, against ``COPY`` of the rows that they become.

Ours is the whole work: reading the file, checking and sealing the items, storing the operation, and one worker in this
process that makes the forms, with rules and history. The bare side copies the finished rows of forms, copies, revisions
and the index into tables with the same columns and indexes; it reads no file and decides nothing.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

import msgspec
from django.db import connection, models
from uuid_utils.compat import uuid7

from benchmarks import raw
from benchmarks.figures import Figure, figure
from benchmarks.forms import ACTOR, SavedForm, Size, save_form, value_at, variant_of
from benchmarks.rounds import ratios, say
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import ApplicationForm
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.imports.files import read_file
from operations.imports.mapping import Targets, suggested_mapping
from operations.imports.rows import mapped_row
from operations.kinds.import_forms import ImportArguments, ImportForms
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import sealed_arguments
from operations.submission.item_checks import check_items
from operations.submission.storage import store_items
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.models import Flag

SIZE: Final = Size(answers=60, rules=20)
FORMS: Final = 500
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"forms": 20}
_TABLES: Final[tuple[tuple[type[models.Model], str], ...]] = (
    (ApplicationForm, "id"),
    (Copy, "id"),
    (CopyRevision, "copy_id"),
    (CopyIndex, "copy_id"),
)


def measure(rounds: int, *, size: Size = SIZE, forms: int = FORMS) -> list[Figure]:
    """Return forms per second and the ratio that has a goal."""
    Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    form = save_form(size)
    content = _file(form, forms)
    ours, bare, computing = [], [], []
    for number in range(rounds):
        busy = time.process_time()
        seconds, ids = _import(form, content)
        assert len(ids) == forms
        ours.append(seconds)
        computing.append(time.process_time() - busy)
        bare.append(_copy(form, ids))
        say(f"round {number + 1} of {rounds}")
    what = f"import {forms} forms of {size.answers} answers"
    return [
        figure(what, "1/s", [forms / seconds for seconds in ours]),
        figure(f"{what}: per second of this process's CPU", "1/s", [forms / seconds for seconds in computing]),
        figure(f"{what}: COPY of the same rows", "1/s", [forms / seconds for seconds in bare]),
        figure(f"{what}: against COPY", "times", ratios(bare, ours), goal=">= 0.05"),
    ]


def _file(form: SavedForm, forms: int) -> bytes:
    """Return the file: one row for each form, as columns of a table have them, each with another mix of answers."""
    codes = [path for path in form.paths if "/" not in path]
    rows = (
        {code: value_at(code, variant=variant_of(place, mix=number)) for place, code in enumerate(codes)}
        for number in range(forms)
    )
    return b"\n".join(msgspec.json.encode({**row, "title": f"Form {number}"}) for number, row in enumerate(rows))


def _import(form: SavedForm, content: bytes) -> tuple[float, list[UUID]]:
    """Import ``content``; return the seconds, and the ids of the forms."""
    began = time.perf_counter()
    tenant, kind = form.tenant, ImportForms()
    file = read_file(content)
    mapping = suggested_mapping(file.columns, Targets(form.compiled))
    items = (mapped_row(row, mapping, form.compiled).item for row in file.rows())
    with use_tenant(tenant):
        operation = BatchOperation(id=uuid7(), tenant_id=tenant.id, kind=kind.code, source="job")
        operation.created_by_type, operation.created_by_id = "system", "benchmarks"
        operation.arguments = sealed_arguments(ImportArguments(), tenant_id=tenant.id, operation_id=operation.id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            operation.created_at = cursor.fetchone()[0]
        for page in check_items(kind, items, ImportArguments(), tenant=tenant, actor=ACTOR, most=100_000):
            store_items(operation, page.accepted, alias="default")
            operation.total += len(page.accepted)
        operation.save(force_insert=True)
    drain("default", pace=Pace(seconds=1e9))
    seconds = time.perf_counter() - began
    with use_tenant(tenant):
        done = OperationItem.objects.filter(operation_id=operation.id, state="completed")
        return seconds, list(done.values_list("copy_id", flat=True))


def _copy(form: SavedForm, ids: list[UUID]) -> float:
    """Return the seconds of a transaction that copies the rows of the forms ``ids`` into tables of the same shape."""
    bare = raw.connect("default", form.tenant)
    try:
        rows = {}
        for model, key in _TABLES:
            table = model._meta.db_table
            bare.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")  # noqa: S608 - our own names
            with bare.cursor().copy(
                f"COPY (SELECT * FROM {table} WHERE {key} = ANY(%s)) TO STDOUT (FORMAT BINARY)",  # noqa: S608
                [ids],
            ) as source:
                rows[table] = b"".join(map(bytes, source))
        bare.commit()
        began = time.perf_counter()
        for table, content in rows.items():
            with bare.cursor().copy(f"COPY bench_{table} FROM STDIN (FORMAT BINARY)") as sink:  # noqa: S608
                sink.write(content)
        bare.commit()
        return time.perf_counter() - began
    finally:
        bare.rollback()
        for model, _ in _TABLES:
            bare.execute(f"DROP TABLE IF EXISTS bench_{model._meta.db_table}")  # noqa: S608
        bare.commit()
        bare.close()
