"""What one save of an agent costs each part of the product: the input of the capacity model (``benchmarks.capacity``).

Agents of ``benchmarks.agents`` save by requests through the whole middleware, one after the other; then this process
does the relay's work for them. Counted are the server's own figures: bytes of WAL, commands of Redis, rows.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.test import Client, override_settings
from django_redis import get_redis_connection

from actions.models import OutboxAction
from actions.relay import drain
from benchmarks.agents import answer_of, make_forms, token_of
from benchmarks.figures import Figure, figure
from benchmarks.rounds import say
from benchmarks.running_product import postgresql_seconds, redis_seconds
from copies.models import CopyRevision
from tenants.current_tenant import across_tenants

SAVES: Final = 200
#: The number of the next call, by copy.
_calls: Final[defaultdict[UUID, Iterator[int]]] = defaultdict(count)
FORMS: Final = 20
QUICK: Final = {"saves": 10, "forms": 2}
_BYTES: Final = f"SELECT coalesce(sum(pg_column_size(r.*)), 0) FROM {CopyRevision._meta.db_table} r"
_SIZE: Final = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'"


def measure(rounds: int, *, saves: int = SAVES, forms: int = FORMS) -> list[Figure]:
    """Return the costs of one save, and of the relay's work for it."""
    made = make_forms(forms)
    clients = [
        (Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token_of(tenant)[0]}"}), copy_id)
        for tenant, copy_id in made
    ]
    drain("default")
    costs: dict[str, list[float]] = {}
    with override_settings(RATE_LIMIT_FACTOR=1_000):
        _patch(clients, len(clients))
        drain("default")
        for number in range(rounds):
            rows = _outbox()
            found = {f"save: {name}": value for name, value in _spent(lambda: _patch(clients, saves), saves).items()}
            found["save: rows of the outbox"] = (_outbox() - rows) / saves
            found |= {f"relay: {name}": value for name, value in _spent(lambda: drain("default"), saves).items()}
            for name, value in found.items():
                costs.setdefault(name, []).append(value)
            say(f"round {number + 1} of {rounds}")
    return [figure(f"cost of a save: {name}", _unit(name), values) for name, values in costs.items()]


def _spent(work: Callable[[], object], saves: int) -> dict[str, float]:
    """Return what ``work`` cost for each of ``saves``."""
    before = _now()
    work()
    return {name: (value - before[name]) / saves for name, value in _now().items()}


def _now() -> dict[str, float]:
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        log = float(cursor.fetchone()[0])
        cursor.execute(_BYTES)
        history = float(cursor.fetchone()[0])
        cursor.execute(_SIZE)
        size = float(cursor.fetchone()[0])
    return {
        "processor time of the program": 1_000 * time.process_time(),
        "processor time of PostgreSQL": 1_000 * postgresql_seconds(),
        "processor time of Redis": 1_000 * redis_seconds(),
        "commands of Redis": float(get_redis_connection("default").info("stats")["total_commands_processed"]),
        "WAL": log,
        "history": history,
        "growth of all tables and indexes": size,
    }


def _unit(name: str) -> str:
    if "processor" in name:
        return "ms"
    return "bytes" if name.rpartition(": ")[2] in ("WAL", "history", "growth of all tables and indexes") else "per save"


def _outbox() -> int:
    with across_tenants(using="default"):
        return OutboxAction.objects.count()


def _patch(clients: list[tuple[Client, UUID]], saves: int) -> None:
    for call in range(saves):
        client, copy_id = clients[call % len(clients)]
        code, value = answer_of(next(_calls[copy_id]))
        body = json.dumps({"answers": {code: value}})
        response: Any = client.patch(f"/api/v1/copies/{copy_id}/answers", body, content_type="application/json")
        assert response.status_code == 200, response.content
