"""``manage.py doctor``: one list of all checks; each of its own is broken once, named with its remedy, and repaired
where that is safe.
"""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.checks import Error, Warning
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from batch import service as batch
from carriers.models import CarrierLink
from copies.models import Copy, CopyIndex
from partner_engine.doctor import installation
from partner_engine.doctor.examination import CHECKS, Result, examine_all
from partner_engine.examinations.check import examine
from partner_engine.examinations.platform import PLATFORM_CHECKS
from partner_engine.examinations.work import WORK_CHECKS
from search.indexer import index_copies
from search.models import SearchEntry
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Backup, Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import ANSWERS, HOUSES

pytestmark = [
    pytest.mark.django_db(databases=["default", SECOND_DATABASE]),
    pytest.mark.usefixtures("healthy"),
]


def result(title: str, *, database: str | None = None, repair: bool = False) -> Result:
    """Return the result of one check, of the shared database or of the installation."""
    checks = [check for check in CHECKS if check.title == title]
    found = list(examine_all(checks=checks, is_repairing=repair))
    return next(one for one in found if one.database in (database, None))


def of_copies(title: str, *, repair: bool = False) -> Result:
    return result(title, database="default", repair=repair)


def test_the_checks_of_the_start_page_are_among_them() -> None:
    assert {*WORK_CHECKS, *PLATFORM_CHECKS} <= set(CHECKS)
    assert len({check.title for check in CHECKS}) == len(CHECKS)
    assert [check.title for check in CHECKS if check.repair and not check.remedy] == []


def test_everything_is_in_one_report(kennel: UUID) -> None:
    said = StringIO()
    call_command("doctor", "--json", stdout=said)

    report = json.loads(said.getvalue())
    found = {(check["check"], check["database"]): check for check in report["checks"]}
    assert {check.title for check in CHECKS} == {title for title, _ in found}
    assert {level for check in report["checks"] for level in [check["level"]]} <= {"ok", "warn"}, report
    assert found["Documents", "default"]["level"] == "ok"
    assert found["Decisions and quotes", "default"]["level"] == "ok"
    assert found["Outbox", SECOND_DATABASE]["level"] == "ok"
    assert found["Redis", None]["text"] == "responds and takes writes"


def test_a_failed_check_is_an_exit_code_and_has_its_remedy() -> None:
    Backup.objects.update(finished_at="2020-01-01T00:00:00Z")
    said = StringIO()

    with pytest.raises(CommandError, match="1 checks failed"):
        call_command("doctor", stdout=said)

    lines = said.getvalue().splitlines()
    (failed,) = (place for place, line in enumerate(lines) if line.startswith("fail"))
    assert lines[failed].startswith("fail Backups: ")
    assert "note_backup" in lines[failed + 1]
    assert lines[-1].endswith("1 failed.")


def test_a_damaged_document_is_named(kennel: UUID, harbor: Tenant) -> None:
    with use_tenant(harbor):
        Copy.objects.filter(pk=kennel).update(document=b"nothing")

    found = of_copies("Documents")

    assert (found.level, str(kennel) in found.text, "verify_history" in found.remedy) == ("fail", True, True)


def test_a_document_that_was_changed_from_outside_is_named(kennel: UUID, harbor: Tenant) -> None:
    with use_tenant(harbor):
        Copy.objects.filter(pk=kennel).update(chain=b"other")

    assert of_copies("Documents").level == "fail"


def test_a_decision_that_is_not_the_stored_one_is_named(kennel: UUID, harbor: Tenant) -> None:
    houses = [{"answers": {**HOUSES[0]["answers"], "runs": 40}}]
    with batch.build_context(scope=harbor, actor=system_actor("test"), catalogue="kennels") as context:
        context.changeset.apply_answers(ANSWERS, {"houses": houses})
        context.save()
        dearer = context.copy.id
    assert of_copies("Decisions and quotes").level == "ok"
    with use_tenant(harbor):
        decided = Copy.objects.values_list("evaluation", flat=True).get(pk=dearer)
        Copy.objects.filter(pk=kennel).update(evaluation=decided)

    found = of_copies("Decisions and quotes")

    assert (found.level, found.figure, str(kennel) in found.text) == ("fail", "1", True)


@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_the_shared_index_is_repaired(fault: str, kennel: UUID) -> None:
    entry = CopyIndex.objects.filter(copy_id=kennel)
    entry.delete() if fault == "missing" else entry.update(application_form_id=UUID(int=1))
    assert of_copies("Shared index").level == "fail"

    found = of_copies("Shared index", repair=True)

    assert (found.level, f"1 {fault}" in found.repaired) == ("ok", True)


def test_an_entry_without_a_copy_is_named(kennel: UUID, harbor: Tenant) -> None:
    gone = CopyIndex.objects.create(copy_id=UUID(int=7), application_form_id=UUID(int=7), tenant_id=harbor.id)
    CopyIndex.objects.filter(pk=gone.pk).update(created_at="2020-01-01T00:00:00Z")

    assert str(UUID(int=7)) in of_copies("Shared index").text


def test_the_search_is_repaired(kennel: UUID, harbor: Tenant) -> None:
    index_copies([kennel], tenant=harbor)
    with use_tenant(harbor):
        Copy.objects.filter(pk=kennel).update(updated_at="2020-01-01T00:00:00Z")
        assert of_copies("Search").level == "ok"
        SearchEntry.objects.filter(pk=kennel).update(version=0)
    assert of_copies("Search").level == "fail"

    assert (of_copies("Search", repair=True).level, of_copies("Search").level) == ("ok", "ok")


def test_a_waiting_migration_is_named() -> None:
    assert result("Migrations").level == "ok"
    MigrationRecorder(connections[SECOND_DATABASE]).record_unapplied("batch", "0001_initial")

    found = result("Migrations")

    assert (found.level, found.text) == ("fail", f"{SECOND_DATABASE} lacks batch.0001_initial")
    assert found.remedy == "Run manage.py upgrade."


def test_a_server_without_a_backup_role_says_what_a_dump_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_BACKUP_ROLES", "SELECT rolname FROM pg_roles WHERE false")

    found = result("Backup role")

    assert found.level == "warn"
    assert "pg_dump with the application's role is refused by row-level security" in found.text
    assert "no row of any tenant" in found.text
    assert "docs/backup.md" in found.remedy


def test_the_backup_role_of_a_server_is_named() -> None:
    assert "partner_engine_backup" in result("Backup role").text


def test_unsafe_settings_are_listed_with_their_ids(settings: Settings) -> None:
    assert result("Settings").figure == "DEBUG=1"
    settings.DEVELOPMENT = False

    found = result("Settings")

    assert found.level == "fail"
    assert "(partner_engine.E001)" in found.text


def test_static_files_are_collected(settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEVELOPMENT, settings.STATIC_ROOT = False, tmp_path
    called = []
    monkeypatch.setattr(installation, "call_command", lambda name, **options: called.append(name))

    found = result("Static files", repair=True)

    assert (found.level, called, "were not collected" in found.text) == ("fail", ["collectstatic"], True)


@pytest.mark.parametrize(
    ("title", "attribute", "value", "level"),
    [
        ("Connections", "overdrawn", lambda: ["The PostgreSQL server allows too few."], "fail"),
        (
            "Database roles",
            "check_database_role",
            lambda databases: [Warning("Logs.", id="partner_engine.W009")],
            "warn",
        ),
        (
            "Encodings",
            "check_database_encoding",
            lambda databases: [Error("SQL_ASCII.", id="partner_engine.E019")],
            "fail",
        ),
    ],
)
def test_servers_that_allow_too_little_or_too_much_are_named(
    title: str, attribute: str, value: Any, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert result(title).level == "ok"
    monkeypatch.setattr(installation, attribute, value)

    assert result(title).level == level


def test_a_redis_that_drops_keys_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert result("Redis memory").level == "ok"
    monkeypatch.setattr("redis.Redis.info", lambda *_: {"maxmemory": 1, "maxmemory_policy": "allkeys-lru"})

    assert (result("Redis memory").level, result("Redis memory").figure) == ("warn", "allkeys-lru")


def test_mails_that_lead_nowhere_are_named(settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.PUBLIC_URL = "django.core.mail.backends.console.EmailBackend", ""
    assert result("Mails").figure == "2"
    settings.EMAIL_BACKEND, settings.PUBLIC_URL = "x.smtp.EmailBackend", "https://forms.example.com"

    assert result("Mails").level == "ok"


def test_carriers_without_links_and_links_without_carriers_are_named(kennel: UUID) -> None:
    CarrierLink.objects.create(catalogue="elsewhere", carrier="XX", base_url="https://carrier.example")

    found = result("Links to carriers")

    assert found.level == "warn"
    assert "XX of elsewhere has a link and is in no release" in found.text


def test_a_check_that_fails_is_never_ok() -> None:
    broken = next(check for check in CHECKS if check.title == "Documents")

    # Without a scope it cannot look.
    assert examine(broken, None).tone == "unknown"  # type: ignore[arg-type]
