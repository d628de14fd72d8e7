"""Trials with tenants in several databases: starts of forms, the sweep of the index, moves, and writers beside them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any, Final

from django.core.management import call_command
from django.db import DatabaseError

from actions import relay
from actions.registry import Delivered, Registry
from batch import service as batch
from batch.errors import BatchError
from batch.idempotency import IdempotencyKey
from copies import index_repair
from tenants.models import Tenant
from tenants.moves import move as moves
from tenants.moves import transfer
from tests.harness.faults.entry_catalogue import ACTOR, TENANT
from tests.harness.faults.relay_trials import note
from tests.harness.faults.scenarios import _version_as_answer, armed_or_not, change_to, kinds_of, start_labelled
from tests.harness.outboxes import Ring

Report = Callable[..., None]
#: The lease of a relay beside a move, in seconds: a row that moved with its lease runs again after it.
LEASE: Final = 2.0


def add_tenants(report: Report, *, aliases: list[str]) -> None:
    """Add a tenant with its own database for each alias, under the alias as its code."""
    for alias in aliases:
        Tenant.objects.create(code=alias, name=alias.title(), catalogue=TENANT, database=alias)
    report(added=True)


def start_at(report: Report, *, tenant: str, label: str, failpoint: str = "", action: str = "kill") -> None:
    """Start one form of a tenant under a key, with ``failpoint`` armed; report its id."""
    with armed_or_not(failpoint, action):
        start_labelled(report, Tenant.objects.get(code=tenant), label=label)


def sweep_index(report: Report) -> None:
    """Repair the index of copies as maintenance does, without waiting for saves that may still run."""
    index_repair.GRACE = timedelta(0)  # type: ignore[misc]
    repaired = index_repair.repair_copy_index(dry_run=False)
    report(missing=repaired.missing, without_copy=repaired.without_copy)


def move_tenant(report: Report, *, to: str, failpoint: str = "", chunk: int = 100, worse: str = "") -> None:
    """Move the tenant with ``failpoint`` armed, in small chunks, so that there are many of them."""
    transfer.CHUNK, transfer.CHANGES = chunk, 1_000  # type: ignore[misc]
    moves.FEW_CHANGES = 100  # type: ignore[misc]
    make_worse(worse)
    report(started=True)
    with armed_or_not(failpoint, "kill"):
        call_command("move_tenant", TENANT, "--to", to, stdout=io.StringIO())
    report(moved=Tenant.objects.get(code=TENANT).database_alias)


def make_worse(worse: str) -> None:
    """Break one promise of a move in this process."""
    if worse == "changes forgotten":
        moves.repeat_changes = transfer.repeat_changes = lambda route: {}  # type: ignore[assignment]
        moves.noted_changes = lambda source, tenant_id, *, most: ([], {})  # type: ignore[assignment]
        moves._require_equal = lambda *arguments: None  # type: ignore[assignment]
    elif worse == "nobody waits":
        # The lock of the gate ends before the switch, so writers slip in between.
        moves.gates.put_gate = _put_gate_later(moves.gates.put_gate)
    elif worse == "queues run on":
        moves._require_idle_queues = lambda *arguments: None  # type: ignore[assignment]
    elif worse:
        raise ValueError(worse)


def _put_gate_later(put_gate: Callable[..., None]) -> Callable[..., None]:
    def put(cursor: Any, tenant_id: Any, gate: Any) -> None:
        if gate.state == "left":
            cursor.connection.commit()
            time.sleep(0.2)
        put_gate(cursor, tenant_id, gate)

    return put


def write_beside_a_move(report: Report, *, form: str, label: str, pause: float = 0.1) -> None:
    """Save the form again and again with the tenant as it was loaded once; report each save, or its refusal."""
    tenant = Tenant.objects.get(code=TENANT)
    report(started=True)
    for number in count(1):
        name = f"{label}.{number}"
        key = IdempotencyKey(f"user:{ACTOR.id}", name, name.encode())
        try:
            with batch.find_and_lock(form, scope=tenant, actor=ACTOR, wait=10, idempotency=key) as context:
                change_to(context, name)
                result = context.save(respond=_version_as_answer)
        except (BatchError, DatabaseError) as refusal:
            report(refused=type(refusal).__name__, at=tenant.database_alias)
        else:
            report(form=form, label=name, version=result.version, kinds=kinds_of(result), at=tenant.database_alias)
        time.sleep(pause)


def relay_beside_a_move(report: Report, *, aliases: list[str], rest: float = 0.0) -> None:
    """Run the relay of all databases; record each attempt in the shared one, and rest for a while after it."""

    def ring(delivered: Delivered) -> None:
        note(delivered)
        time.sleep(rest)

    registry = Registry()
    registry.register(Ring, ring)
    report(started=True)
    while True:
        for alias in aliases:
            relay.drain(alias, registry=registry, seconds=0.2, lease=LEASE)
        time.sleep(0.01)


def finish_switches(report: Report, *, alias: str) -> None:
    """Finish killed switches as the sweep does."""
    report(finished=moves.finish_switches(alias))
