"""The gate of a tenant in a database: what PostgreSQL itself enforces while the tenant leaves or arrives there.

The state is one row; triggers and restrictive policies of the tenant's tables obey it, in every process at once:

- ``leaving``: as always, and every change is noted, so that it can be repeated in the other database.
- ``left``: statements of the tenant are refused with the name of the other database; work on all tenants skips
  its rows.
- ``arriving``: only the move sees the rows: statements of the tenant are refused with the name of the database that it
  is still in, and work on all tenants skips the rows.

Without a row all is as if there were no gate. All of it lives in the schema ``tenant_move``, which exists only in
databases that took part in a move, so databases without one pay nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connections

from tenants.moves.session import Cursor, alter, session
from tenants.residence import MOVED_SQLSTATE
from tenants.tables import TenantTable, tenant_tables


class GateState(StrEnum):
    """The state of a tenant's gate in one database."""

    LEAVING = "leaving"
    LEFT = "left"
    ARRIVING = "arriving"


class Gate(NamedTuple):
    """The gate of a tenant: its state, the alias of the other database, and the number of the move."""

    state: GateState
    other: str
    number: int


#: Every write of the tenant shares a lock until its transaction ends, so that while the move holds it alone
#: (``hold_writers``) no write is under way. Advisory locks are served in turn; the row's lock alone would let many
#: writers starve the move. It is there for transactions with an old snapshot: they fail on a row that has changed.
_SCHEMA: Final = f"""
CREATE SCHEMA IF NOT EXISTS tenant_move;
CREATE TABLE IF NOT EXISTS tenant_move.gates (
    tenant_id uuid PRIMARY KEY, state text NOT NULL, other_database text NOT NULL, number integer NOT NULL,
    quiet_until timestamptz, changed_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS tenant_move.changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL, table_name text NOT NULL,
    key text NOT NULL);
CREATE TABLE IF NOT EXISTS tenant_move.progress (
    tenant_id uuid NOT NULL, table_name text NOT NULL, last_key text, is_done boolean NOT NULL, rows bigint NOT NULL,
    PRIMARY KEY (tenant_id, table_name));
CREATE OR REPLACE FUNCTION tenant_move.refuse(gate tenant_move.gates) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The tenant has moved to another database.' USING ERRCODE = '{MOVED_SQLSTATE}',
        DETAIL = concat_ws(' ', gate.tenant_id, gate.other_database,
                           gate.number - (gate.state = 'arriving')::int);
END $$;
CREATE OR REPLACE FUNCTION tenant_move.is_mover(tenant uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT current_setting('partner_engine.mover', true) IS NOT DISTINCT FROM tenant::text
$$;
CREATE OR REPLACE FUNCTION tenant_move.lock_of(tenant uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('tenant_move ' || tenant::text, 0)
$$;
CREATE OR REPLACE FUNCTION tenant_move.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    gate tenant_move.gates;
    row_key text;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    IF NOT tenant_move.is_mover(changed.tenant_id) THEN
        PERFORM pg_advisory_xact_lock_shared(tenant_move.lock_of(changed.tenant_id));
    END IF;
    SELECT * INTO gate FROM tenant_move.gates WHERE tenant_id = changed.tenant_id FOR SHARE;
    IF gate.state IN ('left', 'arriving') AND NOT tenant_move.is_mover(changed.tenant_id) THEN
        PERFORM tenant_move.refuse(gate);
    ELSIF gate.state = 'leaving' THEN
        EXECUTE format('SELECT ($1).%I::text', TG_ARGV[0]) INTO row_key USING changed;
        INSERT INTO tenant_move.changes (tenant_id, table_name, key) VALUES (changed.tenant_id, TG_TABLE_NAME, row_key);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION tenant_move.shows(tenant uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    gate tenant_move.gates;
BEGIN
    SELECT * INTO gate FROM tenant_move.gates WHERE tenant_id = tenant;
    IF gate.state IS NULL OR gate.state = 'leaving' OR tenant_move.is_mover(tenant) THEN RETURN true; END IF;
    IF current_setting('partner_engine.tenant', true) = tenant::text THEN
        PERFORM tenant_move.refuse(gate);
    END IF;
    RETURN false;
END $$;
CREATE OR REPLACE FUNCTION tenant_move.is_claimable(tenant uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM tenant_move.gates
                        WHERE tenant_id = tenant AND state = 'leaving' AND quiet_until > statement_timestamp())
$$"""  # noqa: S608 - our own code
_PUT: Final = """
INSERT INTO tenant_move.gates (tenant_id, state, other_database, number) VALUES (%s, %s, %s, %s)
    ON CONFLICT (tenant_id) DO UPDATE SET state = EXCLUDED.state, other_database = EXCLUDED.other_database,
       number = EXCLUDED.number, quiet_until = NULL, changed_at = clock_timestamp()"""


def read_gate(alias: str, tenant_id: UUID) -> Gate | None:
    """Return the tenant's gate in the database ``alias``, None where it has none."""
    with session(alias, tenant_id) as cursor:
        cursor.execute("SELECT to_regclass('tenant_move.gates') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return None
        cursor.execute("SELECT state, other_database, number FROM tenant_move.gates WHERE tenant_id = %s", [tenant_id])
        found = cursor.fetchone()
    return Gate(GateState(str(found[0])), str(found[1]), int(str(found[2]))) if found else None


def hidden_tenants(alias: str) -> frozenset[UUID]:
    """Return the tenants whose rows in the database ``alias`` are hidden from work on all tenants."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass('tenant_move.gates') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return frozenset()
        cursor.execute("SELECT tenant_id FROM tenant_move.gates WHERE state <> 'leaving'")
        return frozenset(tenant_id for (tenant_id,) in cursor.fetchall())


def gate_age(alias: str, tenant_id: UUID) -> float:
    """Return the seconds since the state of the tenant's gate, which must exist, was set."""
    with session(alias, tenant_id) as cursor:
        cursor.execute(
            "SELECT EXTRACT(epoch FROM clock_timestamp() - changed_at)::float8"
            " FROM tenant_move.gates WHERE tenant_id = %s",
            [tenant_id],
        )
        (age,) = cursor.fetchone() or (0.0,)
    return float(str(age))


def install_schema(alias: str) -> None:
    """Create the schema of the gates in the database ``alias`` where it is missing."""
    alter(alias, _SCHEMA)


def install_gate(alias: str, tenant_id: UUID, gate: Gate) -> None:
    """Put up the tenant's gate in the database ``alias``; its state is in force before its tables obey it.

    Repeatable. Raises ``TablesAreBusy``.
    """
    install_schema(alias)
    with session(alias, tenant_id) as cursor:
        put_gate(cursor, tenant_id, gate)
    for table in tenant_tables():
        alter(alias, _drop(table, tenant_id) + _create(table, tenant_id))


def hold_writers(cursor: Cursor, tenant_id: UUID, *, seconds: float) -> None:
    """Let the writes under way end and later ones wait until the transaction ends. Raises ``LockNotAvailable``."""
    cursor.execute(f"SET LOCAL lock_timeout = {int(seconds * 1_000)}")
    cursor.execute("SELECT pg_advisory_xact_lock(tenant_move.lock_of(%s))", [tenant_id])


def put_gate(cursor: Cursor, tenant_id: UUID, gate: Gate) -> None:
    """Set the state of the tenant's gate."""
    cursor.execute(_PUT, [tenant_id, gate.state, gate.other, gate.number])


def open_gate(cursor: Cursor, tenant_id: UUID) -> None:
    """Lift the tenant's gate and forget its changes and progress; ``remove_gate`` then cleans the tables."""
    for name in ("gates", "changes", "progress"):
        cursor.execute(f"DELETE FROM tenant_move.{name} WHERE tenant_id = %s", [tenant_id])  # noqa: S608 - our own names


def remove_gate(alias: str, tenant_id: UUID) -> None:
    """Remove what ``install_gate`` put on the tables. Raises ``TablesAreBusy``."""
    with session(alias, tenant_id) as cursor:
        cursor.execute("SELECT polrelid::regclass::text FROM pg_policy WHERE polname = %s", [_name(tenant_id)])
        obeying = {str(name) for (name,) in cursor.fetchall()}
    for table in (table for table in tenant_tables() if table.name in obeying):
        alter(alias, _drop(table, tenant_id))


def _name(tenant_id: UUID) -> str:
    return f"tenant_move_{tenant_id.hex}"


def _drop(table: TenantTable, tenant_id: UUID) -> str:
    name = _name(tenant_id)
    return (
        f"DROP TRIGGER IF EXISTS {name}_put ON {table.name}; DROP TRIGGER IF EXISTS {name}_deleted ON {table.name};"
        f"DROP POLICY IF EXISTS {name} ON {table.name}; DROP POLICY IF EXISTS {name}_queue ON {table.name};"
    )


def _create(table: TenantTable, tenant_id: UUID) -> str:
    name = _name(tenant_id)
    call = (
        f"FOR EACH ROW WHEN ({{row}}.tenant_id = '{tenant_id}') EXECUTE FUNCTION tenant_move.note_change('{table.key}')"
    )
    foreign = f"tenant_id <> '{tenant_id}'::uuid"
    statements = [
        f"CREATE TRIGGER {name}_put AFTER INSERT OR UPDATE ON {table.name} {call.format(row='NEW')}",
        f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {table.name} {call.format(row='OLD')}",
        # Subselects are evaluated once per statement, and only when it meets a row of this tenant.
        f"CREATE POLICY {name} ON {table.name} AS RESTRICTIVE"
        f" USING ({foreign} OR (SELECT tenant_move.shows('{tenant_id}')))",
    ]
    if table.is_queue:
        # Workers end what they hold but begin nothing new; what they hold loses its lease in an update.
        statements.append(
            f"CREATE POLICY {name}_queue ON {table.name} AS RESTRICTIVE FOR UPDATE USING ({foreign}"
            f" OR leased_until IS NOT NULL OR (SELECT tenant_move.is_claimable('{tenant_id}'))) WITH CHECK (true)"
        )
    return ";".join(statements)
