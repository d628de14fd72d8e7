"""``manage.py migrate_tenants``, on the second real database."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


def test_a_current_database_stays_unchanged() -> None:
    told = io.StringIO()
    applied = MigrationRecorder(connections[SECOND_DATABASE]).applied_migrations()

    call_command("migrate_tenants", stdout=told)
    call_command("migrate_tenants", "--check", stdout=told)

    assert told.getvalue().splitlines() == [f"{SECOND_DATABASE}: up to date."] * 2
    assert MigrationRecorder(connections[SECOND_DATABASE]).applied_migrations() == applied


def test_an_outdated_database_is_reported() -> None:
    MigrationRecorder(connections[SECOND_DATABASE]).record_unapplied("batch", "0001_initial")

    with pytest.raises(SystemExit) as ended:
        call_command("migrate_tenants", "--check", stdout=io.StringIO())

    assert ended.value.code == 1
    told = io.StringIO()
    call_command("migrate_tenants", "--plan", stdout=told)
    assert "batch.0001_initial" in told.getvalue()


def test_without_such_databases_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr("tenants.management.commands.migrate_tenants.connections", ["default"])

    call_command("migrate_tenants", stdout=told)

    assert told.getvalue() == "No tenant has a database of its own.\n"
