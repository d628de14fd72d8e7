"""``manage.py upgrade``: its steps in order, and nothing at all where one cannot be done."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from partner_engine.management.commands import upgrade
from redis_locks.job_mutex import JobMutex
from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])
STEPS = ["collectstatic", "migrate", "migrate_tenants"]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[tuple[str, bool]]:
    """Return the steps that are done, each with whether it only shows what it would do."""
    done: list[tuple[str, bool]] = []

    def note(name: str, **options: Any) -> None:
        done.append((name, bool(options.get("dry_run") or options.get("plan"))))

    monkeypatch.setattr(upgrade, "call_command", note)
    settings.DEVELOPMENT = False
    return done


def run(**options: Any) -> str:
    said = StringIO()
    call_command("upgrade", stdout=said, stderr=said, skip_checks=True, **options)
    return said.getvalue()


def test_static_files_come_first_and_tenants_last(steps: list[tuple[str, bool]]) -> None:
    said = run()

    assert steps == [(step, False) for step in STEPS]
    assert upgrade.ROLL_OUT in said


def test_a_dry_run_changes_nothing(steps: list[tuple[str, bool]]) -> None:
    said = run(dry_run=True)

    assert steps == [(step, True) for step in STEPS]
    assert said.endswith("Nothing was changed (--dry-run).\n")


def test_an_image_has_its_static_files_already(steps: list[tuple[str, bool]]) -> None:
    run(no_static=True)

    assert [step for step, _ in steps] == STEPS[1:]


def test_a_database_that_is_away_stops_it_before_any_change(
    steps: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "state_of_database", lambda alias: "failed" if alias == SECOND_DATABASE else "ok")

    with pytest.raises(CommandError, match=f"Nothing was changed: not responding: {SECOND_DATABASE}"):
        run()

    assert steps == []


def test_a_second_upgrade_is_refused(steps: list[tuple[str, bool]]) -> None:
    with JobMutex("upgrade") as is_ours, pytest.raises(CommandError, match="Another upgrade runs now"):
        assert is_ours
        run()

    assert steps == []


def test_a_current_installation_stays_unchanged() -> None:
    assert "No migrations to apply." in run()
