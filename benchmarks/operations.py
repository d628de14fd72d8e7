"""Changes one answer of many forms by a batch operation: against bare chunked UPDATEs of the same bytes, against single
saves over HTTP, and the share of its time that goes into bookkeeping.

The operation runs in one worker in this process. The bare side writes the documents and revisions of the last round in
chunks of the same size, one ``UPDATE ... FROM`` and one INSERT of revisions each; it decides nothing. A single save is
a PATCH through the whole stack of the web process, without a network.
"""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.test import Client
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, figure
from benchmarks.forms import SavedForm, Size, save_form, save_others
from benchmarks.rounds import ratios, say
from copies.models import Copy, CopyRevision
from operations.engine.metrics import bookkeeping_seconds
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.kinds.set_answers import AnswersArguments, AnswersItem
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import sealed_arguments, sealed_item
from tenants.access import Role
from tenants.current_tenant import across_tenants, use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.models import Flag, User

SIZE: Final = Size(answers=60, rules=20)
FORMS: Final = 500
CHUNK: Final = 100
#: Single saves of one turn; the time of all forms is computed from them.
SINGLES: Final = 40
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"forms": 20, "singles": 2}
_COPIES: Final = Copy._meta.db_table
_REVISIONS: Final = CopyRevision._meta.db_table
_UPDATE: Final = f"""
UPDATE {_COPIES} c SET document = g.document, version = c.version + 1, updated_at = clock_timestamp()
  FROM unnest(%s::uuid[], %s::bytea[]) AS g (id, document) WHERE c.id = g.id"""  # noqa: S608 - names of our own tables
_numbers = count(1)


def measure(rounds: int, *, size: Size = SIZE, forms: int = FORMS, singles: int = SINGLES) -> list[Figure]:
    """Return forms per second and the ratios that have goals."""
    Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    form = save_form(size)
    ids = [form.id, *save_others(form, forms - 1)]
    bulk, bare, single, shares = [], [], [], []
    for number in range(rounds):
        variant = (number + 1) % 2
        seconds, bookkeeping = _operation(form, ids, variant=variant)
        bulk.append(seconds)
        shares.append(100.0 * bookkeeping / seconds)
        bare.append(_bare(form, ids))
        # A user of its own for each round, within the limit of requests per user.
        client = _client(form)
        single.append(_single(client, ids[:singles], form, variant=1 - variant) * forms / min(singles, forms))
        say(f"round {number + 1} of {rounds}")
    what = f"operation: one answer of {forms} forms"
    return [
        figure(f"{what}", "1/s", [forms / seconds for seconds in bulk]),
        figure(f"{what}: bare chunked UPDATE and revisions", "1/s", [forms / seconds for seconds in bare]),
        figure(f"{what}: single saves over HTTP", "1/s", [forms / seconds for seconds in single]),
        figure(f"{what}: against the bare UPDATE", "times", ratios(bare, bulk), goal=">= 0.25"),
        figure(f"{what}: against single saves", "times", ratios(single, bulk), goal=">= 20"),
        figure(f"{what}: bookkeeping", "%", shares, goal="<= 15"),
    ]


def _operation(form: SavedForm, ids: list[UUID], *, variant: int) -> tuple[float, float]:
    """Run an operation over all forms; return its seconds, and those of claims and of recording ends."""
    operation = _submit(form, ids, variant=variant)
    began, before = time.perf_counter(), _bookkeeping()
    drained = drain("default", pace=Pace(seconds=1e9))
    seconds = time.perf_counter() - began
    assert drained.completed == len(ids), drained
    with use_tenant(form.tenant):
        OperationItem.objects.filter(operation_id=operation.id).delete()
    return seconds, _bookkeeping() - before


def _submit(form: SavedForm, ids: list[UUID], *, variant: int) -> BatchOperation:
    tenant = form.tenant
    operation = BatchOperation(id=uuid7(), tenant_id=tenant.id, kind="set_answers", total=len(ids), source="job")
    operation.created_by_type, operation.created_by_id = "system", "benchmarks"
    arguments = AnswersArguments(answers=_change(variant))
    operation.arguments = sealed_arguments(arguments, tenant_id=tenant.id, operation_id=operation.id)
    with use_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        operation.created_at = cursor.fetchone()[0]
        operation.save(force_insert=True)
        rows = []
        for number, copy_id in enumerate(ids):
            row = OperationItem(id=uuid7(), tenant_id=tenant.id, operation_id=operation.id, number=number)
            row.input = sealed_item(AnswersItem(id=copy_id), tenant_id=tenant.id, item_id=row.id)
            rows.append(row)
        OperationItem.objects.bulk_create(rows)
        cursor.execute(f"ANALYZE {OperationItem._meta.db_table}")
    return operation


def _change(variant: int) -> dict[str, Any]:
    return {"name": ("Copper Kettle", "Brass Kettle")[variant]}


def _bookkeeping() -> float:
    found = bookkeeping_seconds.collect()
    return float(sum(sample.value for metric in found for sample in metric.samples if sample.name.endswith("_total")))


def _bare(form: SavedForm, ids: list[UUID]) -> float:
    """Return the seconds in which the present documents and last revisions are written again, chunk by chunk."""
    fields = CopyRevision._meta.concrete_fields
    columns = [field.column for field in fields if field.column is not None and not field.primary_key]
    kept = ", ".join("c.version" if name == "version" else f"r.{name}" for name in columns)
    with use_tenant(form.tenant), connection.cursor() as cursor:
        cursor.execute(f"SELECT id, document FROM {_COPIES} WHERE id = ANY(%s)", [ids])
        documents = cursor.fetchall()
        began = time.perf_counter()
        for start in range(0, len(ids), CHUNK):
            portion = documents[start : start + CHUNK]
            with transaction.atomic():
                cursor.execute(_UPDATE, [[row[0] for row in portion], [bytes(row[1]) for row in portion]])
                cursor.execute(
                    f"INSERT INTO {_REVISIONS} ({', '.join(columns)}) SELECT {kept} FROM {_REVISIONS} r JOIN"
                    f" {_COPIES} c ON c.id = r.copy_id AND r.version = c.version - 1 WHERE r.copy_id = ANY(%s)",
                    [[row[0] for row in portion]],
                )
        return time.perf_counter() - began


def _client(form: SavedForm) -> Client:
    user = User.objects.create_user(
        f"bench{next(_numbers)}@{form.tenant.code}.example", role=Role.AGENT, tenant=form.tenant, full_name="Bench"
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="tenants.backends.EmailBackend")
    return client


def _single(client: Client, ids: list[UUID], form: SavedForm, *, variant: int) -> float:
    """Return the seconds in which so many copies are changed by one request each."""
    with across_tenants(using="default"):
        versions = dict(Copy.objects.filter(id__in=ids).values_list("id", "version"))
    body = json.dumps({"answers": _change(variant)})
    began = time.perf_counter()
    for copy_id in ids:
        response = client.patch(
            f"/api/v1/copies/{copy_id}/answers",
            body,
            content_type="application/json",
            headers={"If-Match": f'"{versions[copy_id]}"'},
        )
        assert response.status_code == 200, response.content
    return time.perf_counter() - began
