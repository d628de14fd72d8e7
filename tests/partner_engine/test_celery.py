"""The start of Celery workers."""

from __future__ import annotations

import pytest
from celery import Celery
from celery.signals import worker_init

from partner_engine import celery


def waiting(app: Celery) -> int:
    with app.connection_for_read() as connection:
        return connection.default_channel._size("celery")


def test_a_worker_does_not_start_with_old_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celery("wake-ups", broker="memory://", set_as_current=False)
    monkeypatch.setattr(celery, "app", app)
    for _ in range(3):
        app.send_task("actions.tasks.sweep")
    assert waiting(app) == 3

    worker_init.send(sender=None)

    assert waiting(app) == 0


def test_a_broker_that_is_away_keeps_no_worker_from_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Celery("wake-ups", broker="redis://127.0.0.1:9/0", set_as_current=False)
    monkeypatch.setattr(celery, "app", away)

    celery.purge_stale_wake_ups()
