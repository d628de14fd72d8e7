"""The start of Celery workers."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.signals import worker_init
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from psycopg import OperationalError as NoConnection

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


@pytest.fixture
def worker_settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the settings of the shared database as in a worker whose environment is that of web processes."""
    usual = connections.settings[DEFAULT_DB_ALIAS]
    own = {**usual, "OPTIONS": {**usual["OPTIONS"], "pool": {"min_size": 0, "max_size": 10}}}
    monkeypatch.setitem(connections.settings, DEFAULT_DB_ALIAS, own)
    others = {alias: dict(found) for alias, found in connections.settings.items() if alias != DEFAULT_DB_ALIAS}
    for alias, found in others.items():
        monkeypatch.setitem(connections.settings, alias, {**found, "OPTIONS": dict(found["OPTIONS"])})
    celery.keep_connections()
    return own


@pytest.mark.django_db
def test_a_connection_of_a_worker_serves_many_tasks_and_a_broken_one_is_replaced(
    worker_settings: dict[str, Any],
) -> None:
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    assert connection.settings_dict is worker_settings
    try:
        first = _backend_of(connection)
        connection.close_if_unusable_or_obsolete()
        assert _backend_of(connection) == first

        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first])
        with pytest.raises((OperationalError, NoConnection)):
            _backend_of(connection)
        connection.close_if_unusable_or_obsolete()
        assert _backend_of(connection) != first
    finally:
        connection.close()


def _backend_of(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
