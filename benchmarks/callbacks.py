"""Measures the intake of carriers' callbacks against a bare loop that verifies the same signature and inserts the body.

Both use the reference library of Standard Webhooks, one connection, and one transaction per callback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
from django.db import connection
from standardwebhooks import Webhook

from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import Size, save_form
from benchmarks.rounds import Contender, interleave, ratios
from carriers.link_models import CarrierLink
from carriers.links.link_secrets import new_callback_secret, set_secret
from quoting.callbacks import Callback, take_callback

#: Callbacks of one turn.
REPEATS: Final = 200
QUICK: Final = {"repeats": 5}
OURS: Final = "the intake"
BARE: Final = "verify and insert"
_TABLE: Final = "benchmark_callback"
_INSERT: Final = f"INSERT INTO {_TABLE} VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"  # noqa: S608
_QUOTE: Final = {
    "reference": "Q-20481", "request_token": "5f1c" * 8, "product": "QM-BOP", "status": "quoted", "sequence": 2,
    "premium": {"amount": 4_820, "currency": "USD"}, "is_bindable": True, "valid_until": "2026-03-01",
    "changes": [{"field": "limit", "asked": "1000000", "offered": "500000", "reason": "Our limit for restaurants."}],
    "updated_at": "2026-01-05T10:00:00Z",
}  # fmt: skip


def measure(rounds: int, *, repeats: int = REPEATS) -> list[Figure]:
    """Return the times of one callback, and the ratio that has a goal."""
    form = save_form(Size(answers=20, rules=5))
    secret = new_callback_secret()
    link = CarrierLink(catalogue="benchmark", carrier="QM", base_url="https://carrier.example", client_id="benchmark")
    set_secret(link, "callback_secret", secret)
    link.save()
    body = msgspec.json.encode({"type": "quote.updated", "data": _QUOTE})

    def signed() -> Callback:
        return _signed(secret, link.pk, form.id, body)

    with _bare_table():
        # As many as the calls of all rounds: signing is the carrier's work.
        ready = {name: iter([signed() for _ in range((rounds + 2) * repeats)]) for name in (OURS, BARE)}
        contenders = [
            Contender(name=OURS, run=lambda _: take_callback(next(ready[OURS]), correlation_id="b"), repeats=repeats),
            Contender(name=BARE, run=lambda _: _verify_and_insert(next(ready[BARE]), secret), repeats=repeats),
        ]
        times = interleave(contenders, rounds=rounds)
    link.delete()
    return [
        figure("callback of a carrier: intake", "ms", milliseconds(times[OURS])),
        figure("callback of a carrier: bare verify and INSERT ... ON CONFLICT", "ms", milliseconds(times[BARE])),
        figure("callback of a carrier: intake / bare", "times", ratios(times[OURS], times[BARE]), goal="<= 1.3"),
    ]


def _signed(secret: str, link_id: UUID, copy_id: UUID, body: bytes) -> Callback:
    message_id, now = f"msg_{uuid4().hex}", datetime.now(UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }
    return Callback(link_id=link_id, copy_id=copy_id, headers=headers, body=body)


@contextmanager
def _bare_table() -> Iterator[None]:
    """Have a table with the one index that deduplication needs."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLE}")
        cursor.execute(
            f"CREATE TABLE {_TABLE} (link_id uuid, message_id text, copy_id uuid, body text,"
            " PRIMARY KEY (link_id, message_id))"
        )
        yield
        cursor.execute(f"DROP TABLE {_TABLE}")


def _verify_and_insert(callback: Callback, secret: str) -> None:
    Webhook(secret).verify(callback.body, dict(callback.headers))
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT, [callback.link_id, callback.headers["webhook-id"], callback.copy_id, callback.body.decode()]
        )
