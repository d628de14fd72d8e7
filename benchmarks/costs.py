"""What one save of an agent costs each part of the product: the input of the capacity model (``benchmarks.capacity``).

Agents of ``benchmarks.agents`` save by requests through the whole middleware, one after the other; after each pass over
all forms this process does the relay's work for it, as an action may stand for several saves of one form. Left out are
the server of the web process, its threads and sockets, and the Celery worker, which only ``benchmarks.agents`` runs.
Counted are the server's own figures: bytes of WAL, commands of Redis, rows.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Final, TypeAlias
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

#: A client with the token of a form's tenant, and the form's copy.
_Client: TypeAlias = tuple[Client, UUID]
#: Saves of one round, in passes over all forms.
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
            for name, value in _round(clients, saves).items():
                costs.setdefault(name, []).append(value)
            say(f"round {number + 1} of {rounds}")
    return [figure(f"cost of a save: {name}", _unit(name), values) for name, values in costs.items()]


def _round(clients: Sequence[_Client], saves: int) -> dict[str, float]:
    """Return what each of ``saves`` cost, and the relay's work for it after each pass over the forms."""
    found: defaultdict[str, float] = defaultdict(float)
    for _ in range(saves // len(clients)):
        rows = _outbox()
        for name, value in _spent(lambda: _patch(clients, len(clients))).items():
            found[f"save: {name}"] += value / saves
        found["save: rows of the outbox"] += (_outbox() - rows) / saves
        for name, value in _spent(lambda: drain("default")).items():
            found[f"relay: {name}"] += value / saves
        assert _outbox() <= rows, "actions were left"
    return found


def _spent(work: Callable[[], object]) -> dict[str, float]:
    """Return what ``work`` cost, without the statements that count it."""
    sizes, servers, program = _sizes(), _servers(), time.process_time()
    work()
    spent = {"processor time of the program": 1_000 * (time.process_time() - program)}
    spent |= {name: value - servers[name] for name, value in _servers().items()}
    return spent | {name: value - sizes[name] for name, value in _sizes().items()}


def _servers() -> dict[str, float]:
    return {
        "processor time of PostgreSQL": 1_000 * postgresql_seconds(),
        "processor time of Redis": 1_000 * redis_seconds(),
        "commands of Redis": float(get_redis_connection("default").info("stats")["total_commands_processed"]),
    }


def _sizes() -> dict[str, float]:
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        log = float(cursor.fetchone()[0])
        cursor.execute(_BYTES)
        history = float(cursor.fetchone()[0])
        cursor.execute(_SIZE)
        size = float(cursor.fetchone()[0])
    return {"WAL": log, "history": history, "growth of all tables and indexes": size}


def _unit(name: str) -> str:
    if "processor" in name:
        return "ms"
    return "bytes" if name.rpartition(": ")[2] in ("WAL", "history", "growth of all tables and indexes") else "per save"


def _outbox() -> int:
    with across_tenants(using="default"):
        return OutboxAction.objects.count()


def _patch(clients: Sequence[_Client], saves: int) -> None:
    for call in range(saves):
        client, copy_id = clients[call % len(clients)]
        code, value = answer_of(next(_calls[copy_id]))
        body = json.dumps({"answers": {code: value}})
        response: Any = client.patch(f"/api/v1/copies/{copy_id}/answers", body, content_type="application/json")
        assert response.status_code == 200, response.content
