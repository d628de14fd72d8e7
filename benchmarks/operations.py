"""Changes one answer of many forms by a batch operation: against bare chunked UPDATEs of the same bytes, against single
saves over HTTP, and the share of its time that goes into bookkeeping.

The operation runs in as many workers as there are cores, each a process of its own. The bare side writes the documents,
evaluations and revisions of the last round in chunks of the same size, one ``UPDATE ... FROM`` and one INSERT of
revisions each, with arrays in PostgreSQL's own format, over one connection and over as many as there are cores; in each
round the faster one counts. It decides nothing. A single save is a PATCH through the whole stack of the web process,
without a network.
"""

from __future__ import annotations

import json
import os
import threading
import time
from itertools import count
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection
from django.test import Client, override_settings
from uuid_utils.compat import uuid7

from benchmarks import raw
from benchmarks.drainers import Drainers
from benchmarks.figures import Figure, figure
from benchmarks.forms import SavedForm, Size, save_form, save_others
from benchmarks.rounds import ratios, say
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm
from operations.engine.metrics import bookkeeping_seconds
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
UPDATE {_COPIES} c SET document = g.document, evaluation = g.evaluation, version = c.version + 1,
                       updated_at = clock_timestamp()
  FROM unnest(%b::uuid[], %b::bytea[], %b::bytea[]) AS g (id, document, evaluation)
 WHERE c.id = g.id"""  # noqa: S608 - names of our own tables
_REVISION_COLUMNS: Final = [
    field.column for field in CopyRevision._meta.concrete_fields if field.column is not None and not field.primary_key
]
_KEPT: Final = ", ".join("c.version" if name == "version" else f"r.{name}" for name in _REVISION_COLUMNS)
_REVISE: Final = f"""
INSERT INTO {_REVISIONS} ({", ".join(_REVISION_COLUMNS)})
SELECT {_KEPT} FROM {_REVISIONS} r JOIN {_COPIES} c ON c.id = r.copy_id AND r.version = c.version - 1
 WHERE r.copy_id = ANY(%b)"""  # noqa: S608
CORES: Final = len(os.sched_getaffinity(0))
_numbers = count(1)


def measure(rounds: int, *, size: Size = SIZE, forms: int = FORMS, singles: int = SINGLES) -> list[Figure]:
    """Return forms per second and the ratios that have goals."""
    Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    form = save_form(size)
    ids = [form.id, *save_others(form, forms - 1)]
    with connection.cursor() as cursor:
        # A database in use has statistics; here they would come too late.
        cursor.execute(f"ANALYZE {_COPIES}, {ApplicationForm._meta.db_table}")
    bulk, processor, bare, single, shares = [], [], [], [], []
    for number in range(rounds):
        variant = (number + 1) % 2
        ran = _operation(form, ids, variant=variant)
        bulk.append(ran.seconds)
        processor.append(1e3 * ran.processor_seconds / forms)
        shares.append(100.0 * ran.bookkeeping / ran.work)
        bare.append(min(_bare(form, ids, connections=among) for among in sorted({1, CORES})))
        # The limits would refuse most of these requests.
        with override_settings(RATE_LIMIT_FACTOR=0):
            took = _single(_client(form), ids[:singles], form, variant=1 - variant)
        single.append(took * forms / min(singles, forms))
        say(f"round {number + 1} of {rounds}")
    what = f"operation: one answer of {forms} forms"
    return [
        figure(f"{what}", "1/s", [forms / seconds for seconds in bulk]),
        figure(f"{what}: processor time of the workers per form", "ms", processor),
        figure(f"{what}: bare chunked UPDATE and revisions", "1/s", [forms / seconds for seconds in bare]),
        figure(f"{what}: single saves over HTTP", "1/s", [forms / seconds for seconds in single]),
        figure(f"{what}: against the bare UPDATE", "times", ratios(bare, bulk), goal=">= 0.25"),
        figure(f"{what}: against single saves", "times", ratios(single, bulk), goal=">= 20"),
        figure(f"{what}: bookkeeping", "%", shares, goal="<= 15"),
    ]


class _Ran(NamedTuple):
    """The cost of one operation in seconds: from the start to the last end; of the processor; and of the work of all
    workers, of which the claims and the recording of ends are ``bookkeeping``.
    """

    seconds: float
    processor_seconds: float
    work: float
    bookkeeping: float


def _operation(form: SavedForm, ids: list[UUID], *, variant: int) -> _Ran:
    """Run an operation over all forms in one worker for each core."""
    operation = store_operation(form, ids, variant=variant)
    with Drainers(CORES, before=_bookkeeping) as drainers:
        began = time.perf_counter()
        drained = drainers.drain()
        seconds = time.perf_counter() - began
    assert sum(one.completed for one in drained) == len(ids), drained
    with use_tenant(form.tenant):
        OperationItem.objects.filter(operation_id=operation.id).delete()
    return _Ran(
        seconds,
        sum(one.processor_seconds for one in drained),
        sum(one.seconds for one in drained),
        sum(one.measured for one in drained),
    )


def store_operation(form: SavedForm, ids: list[UUID], *, variant: int) -> BatchOperation:
    """Store an operation that sets one answer of the copies ``ids``, as a submission does."""
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
        OperationItem.objects.bulk_create(rows, batch_size=5_000)
        cursor.execute(f"ANALYZE {OperationItem._meta.db_table}")
    return operation


def _change(variant: int) -> dict[str, Any]:
    return {"name": ("Copper Kettle", "Brass Kettle")[variant]}


def _bookkeeping() -> float:
    found = bookkeeping_seconds.collect()
    return float(sum(sample.value for metric in found for sample in metric.samples if sample.name.endswith("_total")))


def _bare(form: SavedForm, ids: list[UUID], *, connections: int) -> float:
    """Return the seconds in which the present documents and last revisions are written again, chunk by chunk, over so
    many ``connections`` at once.
    """
    with use_tenant(form.tenant), connection.cursor() as cursor:
        cursor.execute(f"SELECT id, document, evaluation FROM {_COPIES} WHERE id = ANY(%s)", [ids])
        rows = [(row[0], bytes(row[1]), bytes(row[2])) for row in cursor.fetchall()]
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    opened = [raw.connect("default", form.tenant) for _ in range(connections)]
    threads = [
        threading.Thread(target=_write, args=(one, chunks[number::connections])) for number, one in enumerate(opened)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    for one in opened:
        one.close()
    return seconds


def _write(connection: psycopg.Connection, chunks: list[list[tuple[UUID, bytes, bytes]]]) -> None:
    for chunk in chunks:
        ids, documents, evaluations = map(list, zip(*chunk, strict=True))
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_UPDATE, [ids, documents, evaluations])
            cursor.execute(_REVISE, [ids])
            assert cursor.rowcount == len(ids)


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
