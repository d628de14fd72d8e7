"""A dry run leaves no trace, neither in the database nor in Redis; and these tests would detect one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from batch.context import BatchContext
from batch.service import find, find_and_lock
from partner_engine.api import answers
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.http.endpoint import Endpoint
from tenants.current_tenant import across_tenants
from tests.harness.api_client import Api
from tests.harness.canaries import RedisCommands, make_canaries

pytestmark = pytest.mark.django_db

#: The Redis commands of a read; the monitor also shows those of the connection itself.
READING = {"GET", "MGET", "EXISTS", "CLIENT", "HELLO", "SELECT", "PING", "ECHO"}


def _is_write(command: str) -> bool:
    """Return whether ``command`` changes Redis; the activity of the caller is recorded with every call and does not
    count.
    """
    name, _, rest = command.partition(" ")
    return name.upper() not in READING and ":active:" not in rest.partition(" ")[0]


class Traces:
    """The writes during the block."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commands: list[str] = []
        self.rows_moved = 0
        self.changed: set[str] = set()

    def any(self) -> list[object]:
        """Return all of it."""
        moved = [f"{self.rows_moved} rows were written"] if self.rows_moved else []
        return [*(statement[:80] for statement in self.statements), *self.commands, *moved, *sorted(self.changed)]


@contextmanager
def traced() -> Iterator[Traces]:
    """Watch every statement, every row of every table and every command to Redis."""
    traces = Traces()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        bare = sql.partition(";")[2] if sql.startswith("SELECT set_config(") else sql
        # The statement of a save may be a function of the database.
        is_read = bare.strip().upper().startswith(("SELECT", "SAVEPOINT", "RELEASE")) and "batch_save" not in bare
        if bare.strip() and not is_read:
            traces.statements.append(bare.strip())
        return execute(sql, params, many, context)

    before, moved = _rows(), _moved()
    with connection.execute_wrapper(watch), RedisCommands() as commands:
        yield traces
    traces.rows_moved = _moved() - moved
    traces.commands = [command[:80] for command in commands.all if _is_write(command)]
    traces.changed = {table for table, told in _rows().items() if before[table] != told}


def _rows() -> dict[str, str]:
    """Return a digest of every table."""
    told: dict[str, str] = {}
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT xmin::text, t::text FROM "{table}" t ORDER BY 2')  # noqa: S608 - a table's own name
            told[table] = hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
    return told


def _moved() -> int:
    """Return the number of rows that this transaction has written, by PostgreSQL's count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0] or 0)


def dry_run(api: Api, copy: dict[str, Any], **headers: str) -> Any:
    """Request a dry run of new values, new rows and the removal of a row."""
    other = make_canaries()
    location = copy["answer_pools"]["locations"][0]["id"]
    body = {
        "answers": {**other.answers(), "mqs_lobs": ["bop"], "mqs_annual_revenue": 7},
        "answer_pools": {"locations": [{"id": location, "delete": True}, {"answers": {"mqs_loc_state": "TX"}}]},
    }
    response = api.patch(f"/copies/{copy['id']}/answers?dry_run=true", body, **headers)
    assert response.status_code == 200, response.content
    assert response.json()["changes"]
    return response.json()


def test_a_dry_run_leaves_no_trace(api: Api, full: dict[str, Any]) -> None:
    with traced() as traces:
        told = dry_run(api, full, Idempotency_Key="one", If_Match='"1"')

    assert traces.any() == []
    assert told["version"] == 1
    assert api.get(f"/copies/{full['id']}").json() == full


def test_a_dry_run_that_is_refused_leaves_no_trace(api: Api, full: dict[str, Any]) -> None:
    with traced() as traces:
        response = api.patch(
            f"/copies/{full['id']}/answers?dry_run=true", {"answers": {"mqs_naics": "x"}}, Idempotency_Key="one"
        )

    assert response.status_code == 422
    assert traces.any() == []


def test_the_key_of_a_dry_run_is_free_afterwards(api: Api, full: dict[str, Any]) -> None:
    dry_run(api, full, Idempotency_Key="one")

    response = api.patch(f"/copies/{full['id']}/answers", {"answers": {"mqs_annual_revenue": 8}}, Idempotency_Key="one")

    assert (response.status_code, response.json()["version"]) == (200, 2)


class TestTheseTestsCanFail:
    def test_a_save_is_seen_in_every_way(self, api: Api, full: dict[str, Any]) -> None:
        with traced() as traces:
            api.patch(f"/copies/{full['id']}/answers", {"answers": {"mqs_annual_revenue": 8}}, Idempotency_Key="one")

        assert any(re.search("UPDATE copies_copy|batch_save", statement) for statement in traces.statements)
        assert any("partner_engine.locks:" in command for command in traces.commands)
        assert traces.rows_moved >= 4
        assert traces.changed >= {
            "copies_copy",
            "copies_copyrevision",
            "actions_outboxaction",
            "batch_idempotencyrecord",
        }

    def test_a_lock_is_seen(self, api: Api, full: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        def locking(endpoint: Endpoint, id: UUID, query: ReadQuery) -> BatchContext:
            with find_and_lock(id, scope=endpoint.tenant, actor=endpoint.actor):
                return find(id, scope=endpoint.tenant, actor=endpoint.actor)

        monkeypatch.setattr(answers, "find_copy", locking)
        with traced() as traces:
            dry_run(api, full)

        assert any("partner_engine.locks:" in command for command in traces.commands)
        assert traces.rows_moved == 0
