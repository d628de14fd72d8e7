"""A move of a tenant to another database, while its people go on working (docs/adr/0030-tenants-move-behind-a-gate.md).

The steps, each of which can be repeated: put up both gates, copy all tables, repeat the changes made meanwhile, compare
every row, switch. Writers wait for the switch, at most ``SWITCH_SECONDS``; if it takes longer, it is given up and tried
again. A killed move frees them at once, because they wait for a lock of its transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.errors import LockNotAvailable

from failpoints import failpoint
from tenants import residence
from tenants.models import Tenant
from tenants.moves import gate as gates
from tenants.moves.comparison import TableDigest, compare_tables, count_rows, differing
from tenants.moves.gate import Gate, GateState
from tenants.moves.id_ranges import give_range
from tenants.moves.session import Cursor, session
from tenants.moves.transfer import (
    Copied,
    Route,
    copy_tables,
    holding_target,
    noted_changes,
    put_changes,
    repeat_changes,
)
from tenants.tables import TenantTable, tenant_tables

#: The longest time for which a switch lets writers wait; their own limit is ``LOCK_TIMEOUT``.
SWITCH_SECONDS: Final = 1.5
#: A switch begins when at most this many changes are left to repeat.
FEW_CHANGES: Final = 200
#: The time for which workers begin no deferred action of the tenant, so that those under way can end.
QUIET_SECONDS: Final = 30.0
#: The time to wait for deferred actions under way, and for a moment in which the switch succeeds.
PATIENCE_SECONDS: Final = 120.0
#: The seconds for which the database that a tenant left goes on refusing its statements: longer than any process works
#: with a tenant that it loaded before.
DISCARD_AFTER: Final = 600.0
_TENANT: Final = Tenant._meta.db_table


class MoveRefused(Exception):
    """The move cannot begin, or not go on; the sentence names the remedy."""


class Report(NamedTuple):
    """What callers may be notified of: a step's name, and the progress of a table."""

    step: Callable[[str], object]
    table: Callable[[Copied], object]


def move(tenant: Tenant, *, to: str, report: Report) -> list[TableDigest]:
    """Move the tenant to the database ``to``, or go on with such a move; return the digests of its tables there.

    The rows in the old database stay, hidden, until ``discard_old_rows``. Raises ``MoveRefused``, ``TablesAreBusy``,
    ``AnotherMove``.
    """
    tenant.refresh_from_db()
    if _is_half_switched(tenant, to):
        finish_switch(tenant.id, alias=to)
        tenant.refresh_from_db()
    if tenant.database_alias == to:
        _clean(tenant, to)
        return []
    route = Route(tenant_id=tenant.id, source=tenant.database_alias, target=to)
    _check(tenant, route)
    report.step("Preparing both databases")
    _prepare(tenant, route)
    report.step("Copying")
    copy_tables(route, report.table)
    report.step("Comparing every row")
    _repeat_until_few(route, {})
    digests, doubtful = compare_tables(route)
    failpoint("move_compared")
    report.step("Switching")
    _switch(tenant, route, doubtful)
    finish_switch(tenant.id, alias=to)
    _clean(tenant, to)
    return digests


def abort(tenant: Tenant, *, report: Report) -> None:
    """Give up a move that has not switched yet: the tenant stays, and its rows in the other database are deleted.

    Raises ``MoveRefused``.
    """
    source = tenant.database_alias
    begun = gates.read_gate(source, tenant.id)
    arriving = _aliases_with_gates(tenant.id, GateState.ARRIVING)
    if not arriving and (begun is None or begun.state is not GateState.LEAVING):
        raise MoveRefused(f"There is no unfinished move of {tenant.code}.")
    if begun is not None and begun.state is not GateState.LEAVING:
        raise MoveRefused(f"{tenant.code} has already left {source!r}: finish the move with --to {begun.other}.")
    if begun is not None:
        with session(source, tenant.id) as cursor:
            gates.open_gate(cursor, tenant.id)
    gates.remove_gate(source, tenant.id)
    for alias in arriving:
        report.step(f"Deleting the copied rows in {alias!r}")
        _delete_behind_gate(alias, tenant.id)


def discard_old_rows(tenant: Tenant, *, report: Report, after: float = DISCARD_AFTER) -> list[str]:
    """Delete the rows that the tenant left behind in other databases; return the aliases of these.

    Refused until ``after`` seconds have passed since the move: by then no process leads there any more. Raises
    ``MoveRefused``.
    """
    behind = [alias for alias in _aliases_with_gates(tenant.id, GateState.LEFT) if alias != tenant.database_alias]
    if not behind:
        raise MoveRefused(f"{tenant.code} left no rows behind in another database.")
    for alias in behind:
        age = gates.gate_age(alias, tenant.id)
        if age < after:
            raise MoveRefused(
                f"{tenant.code} left {alias!r} {age:.0f} s ago, and running processes may still turn to it. Wait until"
                f" {after:.0f} s have passed."
            )
    for alias in behind:
        report.step(f"Deleting the old rows in {alias!r}")
        _delete_behind_gate(alias, tenant.id)
    return behind


def previous_database(tenant: Tenant) -> str:
    """Return the alias of the database that still has the tenant's old rows. Raises ``MoveRefused``."""
    for alias in _aliases_with_gates(tenant.id, GateState.LEFT):
        found = gates.read_gate(alias, tenant.id)
        if found is not None and found.number == tenant.moves and alias != tenant.database_alias:
            return alias
    raise MoveRefused(f"There is no database with old rows of {tenant.code}. Name one with --to.")


def finish_switch(tenant_id: UUID, *, alias: str) -> None:
    """Open the gate of the database ``alias``, which a tenant has left its old one for, and lead everybody there."""
    found = gates.read_gate(alias, tenant_id)
    if found is None or found.state is not GateState.ARRIVING:
        return
    if alias != DEFAULT_DB_ALIAS:
        with session(DEFAULT_DB_ALIAS, tenant_id) as shared:
            _lead(shared, tenant_id, alias, found.number)
        failpoint("move_led")
    with session(alias, tenant_id) as target:
        gates.open_gate(target, tenant_id)
        if alias == DEFAULT_DB_ALIAS:
            _lead(target, tenant_id, alias, found.number)
    residence.note(tenant_id, residence.Residence(alias, found.number))


def finish_switches(alias: str) -> int:
    """Finish the switches from the database ``alias`` whose process was killed in between; return their number."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass('tenant_move.gates') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT tenant_id, other_database, number FROM tenant_move.gates WHERE state = 'left'")
        left = cursor.fetchall()
    moves = dict(Tenant.objects.filter(pk__in=[tenant_id for tenant_id, _, _ in left]).values_list("pk", "moves"))
    finished = 0
    for tenant_id, other, number in left:
        if moves.get(tenant_id, number + 1) <= number and other in connections:
            arrival = gates.read_gate(other, tenant_id)
            if arrival == Gate(GateState.ARRIVING, alias, number):
                finish_switch(tenant_id, alias=other)
                finished += 1
    return finished


def _check(tenant: Tenant, route: Route) -> None:
    if route.target not in connections:
        raise MoveRefused(
            f"There is no database {route.target!r}. Set TENANT_DATABASE_{route.target.upper()} and restart every"
            " process."
        )
    with connections[route.target].cursor() as cursor:
        tables = set(connections[route.target].introspection.table_names(cursor))
    if missing := sorted(table.name for table in tenant_tables() if table.name not in tables):
        raise MoveRefused(f"Database {route.target!r} lacks {', '.join(missing)}. Run manage.py migrate_tenants first.")
    begun = gates.read_gate(route.source, tenant.id)
    if begun is not None and begun.state is GateState.LEAVING and begun.other != route.target:
        raise MoveRefused(
            f"A move of {tenant.code} to {begun.other!r} has begun: finish it, or give it up with --abort."
        )


def _prepare(tenant: Tenant, route: Route) -> None:
    """Put up both gates. Where this move has begun already, keep its progress."""
    give_range(route.target)
    number = tenant.moves + 1
    arrival = gates.read_gate(route.target, tenant.id)
    begun = gates.read_gate(route.source, tenant.id)
    wanted = Gate(GateState.LEAVING, route.target, number)
    if begun != wanted or arrival != Gate(GateState.ARRIVING, route.source, number):
        gates.install_schema(route.target)
        with session(route.target, tenant.id) as target:
            gates.open_gate(target, tenant.id)
            gates.put_gate(target, tenant.id, Gate(GateState.ARRIVING, route.source, number))
    gates.install_gate(route.target, tenant.id, Gate(GateState.ARRIVING, route.source, number))
    failpoint("move_target_prepared")
    # Changes are noted from here on, before the first row is read.
    gates.install_gate(route.source, tenant.id, wanted)
    failpoint("move_source_prepared")


def _switch(tenant: Tenant, route: Route, doubtful: dict[str, set[str]]) -> None:
    """Repeat the last changes and make the target the tenant's database, in one transaction of the source.

    ``doubtful`` rows are compared again. Raises ``MoveRefused``.
    """
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        _repeat_until_few(route, doubtful)
        try:
            _quiet(route)
            with session(route.source, tenant.id) as source:
                _switch_in(source, tenant, route, doubtful)
            failpoint("move_switched")
        except (_TryAgain, LockNotAvailable):
            time.sleep(0.2)
        else:
            return
    raise MoveRefused(
        f"Deferred actions or long transactions of {tenant.code} did not end within {PATIENCE_SECONDS:.0f} s. Nothing"
        " is lost and the tenant works on where it is; run the command again."
    )


def _quiet(route: Route) -> None:
    """Let workers begin no deferred action of the tenant for a while, nor after a kill: the time ends by itself."""
    with session(route.source, route.tenant_id) as source:
        gates.hold_writers(source, route.tenant_id, seconds=SWITCH_SECONDS)
        source.execute(
            "UPDATE tenant_move.gates SET quiet_until = clock_timestamp() + make_interval(secs => %s)"
            " WHERE tenant_id = %s",
            [QUIET_SECONDS, route.tenant_id],
        )


class _TryAgain(Exception):
    """The switch would take too long now, or deferred actions are under way."""


def _repeat_until_few(route: Route, doubtful: dict[str, set[str]]) -> None:
    """Repeat noted changes until few are left, and take the rows that are equal now out of ``doubtful``."""
    while True:
        changed = repeat_changes(route)
        for table, keys in changed.items():
            doubtful.setdefault(table, set()).update(keys)
        if sum(len(keys) for keys in changed.values()) <= FEW_CHANGES:
            break
    if not doubtful:
        return
    with session(route.source, route.tenant_id) as source, session(route.target, route.tenant_id) as target:
        different = differing(source, target, route.tenant_id, doubtful)
    doubtful.clear()
    doubtful.update(different)


def _switch_in(source: Cursor, tenant: Tenant, route: Route, doubtful: dict[str, set[str]]) -> None:
    """Switch inside the transaction of ``source``. Raises ``_TryAgain``, ``LockNotAvailable``, ``MoveRefused``."""
    began = time.monotonic()
    gates.hold_writers(source, tenant.id, seconds=SWITCH_SECONDS)
    source.execute("SELECT state FROM tenant_move.gates WHERE tenant_id = %s FOR UPDATE", [tenant.id])
    if source.fetchone() != (GateState.LEAVING,):
        raise MoveRefused("The gate of the tenant was changed meanwhile. Run the command again.")
    _require_idle_queues(source, tenant.id)
    with holding_target(route) as target:
        seqs, changed = noted_changes(source, tenant.id, most=FEW_CHANGES * 2)
        if len(seqs) >= FEW_CHANGES * 2:
            raise _TryAgain
        put_changes(source, target, tenant.id, changed)
        for table, keys in changed.items():
            doubtful.setdefault(table, set()).update(keys)
        _require_equal(source, target, tenant, doubtful)
        if time.monotonic() - began > SWITCH_SECONDS:
            raise _TryAgain
    failpoint("move_switching")
    source.execute("DELETE FROM tenant_move.changes WHERE tenant_id = %s", [tenant.id])
    gates.put_gate(source, tenant.id, Gate(GateState.LEFT, route.target, tenant.moves + 1))
    if route.source == DEFAULT_DB_ALIAS:
        _lead(source, tenant.id, route.target, tenant.moves + 1)


def _require_idle_queues(source: Cursor, tenant_id: UUID) -> None:
    for table in tenant_tables():
        if table.is_queue:
            source.execute(
                f"SELECT EXISTS (SELECT FROM {table.name} WHERE tenant_id = %s AND leased_until > clock_timestamp())",  # noqa: S608 - our own names, here and below
                [tenant_id],
            )
            if source.fetchone() == (True,):
                raise _TryAgain


def _require_equal(source: Cursor, target: Cursor, tenant: Tenant, doubtful: dict[str, set[str]]) -> None:
    different = differing(source, target, tenant.id, doubtful)
    ours, theirs = count_rows(source, tenant.id), count_rows(target, tenant.id)
    wrong = sorted({*different, *(table for table in ours if ours[table] != theirs[table])})
    if wrong:
        raise MoveRefused(
            f"The rows of {', '.join(wrong)} differ between the databases although every change was repeated. The"
            " tenant stays where it is. Give the move up with --abort, find the cause, and start again."
        )


def _lead(shared: Cursor, tenant_id: UUID, alias: str, number: int) -> None:
    """Lead every process that reads the tenant from now on to the database ``alias``."""
    stored = "" if alias == DEFAULT_DB_ALIAS else alias
    shared.execute(
        f"UPDATE {_TENANT} SET database = %s, moves = %s WHERE id = %s AND moves < %s",  # noqa: S608
        [stored, number, tenant_id, number],
    )


def _is_half_switched(tenant: Tenant, to: str) -> bool:
    """Return whether the tenant has left its old database for ``to``, whose gate is still closed."""
    if to not in connections:
        return False
    arrival = gates.read_gate(to, tenant.id)
    if arrival is None or arrival.state is not GateState.ARRIVING or arrival.other not in connections:
        return False
    left = gates.read_gate(arrival.other, tenant.id)
    return left == Gate(GateState.LEFT, to, arrival.number)


def _clean(tenant: Tenant, alias: str) -> None:
    """Take the gate's triggers and policies off the tables of the tenant's new database."""
    if gates.read_gate(alias, tenant.id) is None:
        gates.remove_gate(alias, tenant.id)


def _aliases_with_gates(tenant_id: UUID, state: GateState) -> list[str]:
    found = {alias: gates.read_gate(alias, tenant_id) for alias in connections}
    return [alias for alias, gate in found.items() if gate is not None and gate.state is state]


def _delete_behind_gate(alias: str, tenant_id: UUID) -> None:
    """Delete the tenant's rows in the database ``alias`` in portions, then the gate that hides them."""
    for table in reversed(tenant_tables()):
        while _delete_portion(alias, table, tenant_id):
            failpoint("move_old_rows_deleted")
    with session(alias, tenant_id) as cursor:
        gates.open_gate(cursor, tenant_id)
    gates.remove_gate(alias, tenant_id)


def _delete_portion(alias: str, table: TenantTable, tenant_id: UUID) -> int:
    with session(alias, tenant_id) as cursor:
        cursor.execute(
            f"DELETE FROM {table.name} WHERE {table.key} IN"  # noqa: S608
            f" (SELECT {table.key} FROM {table.name} WHERE tenant_id = %s LIMIT 2000)",
            [tenant_id],
        )
        return cursor.rowcount
