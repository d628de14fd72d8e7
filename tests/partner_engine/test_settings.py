"""The settings from the environment, and the refusals of production at the start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from house.static_files import collect_plainly
from partner_engine.checks import TAG, check_database_role, check_settings, check_timeouts, refuse_unsafe_settings
from partner_engine.environment import Limits, databases, keyring
from tests.harness.production import CHECKOUT, KEY, PRODUCTION, run


@pytest.fixture
def collected(tmp_path: Path) -> str:
    """Return a folder of collected static files."""
    collect_plainly(tmp_path)
    return str(tmp_path)


def test_production_has_nothing_to_complain_about(collected: str) -> None:
    check = "import sys; from django.core.management import execute_from_command_line as run; "
    check += "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"

    done = run(check, **PRODUCTION, STATIC_ROOT=collected)

    assert (done.returncode, done.stderr.count("WARNING")) == (0, 0), done.stderr


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("SECRET_KEY", "short", "partner_engine.E001"),
        ("SECRET_KEY", settings.DEVELOPMENT_SECRET_KEY, "partner_engine.E001"),
        ("KEYRING", settings.DEVELOPMENT_KEYRING, "partner_engine.E002"),
        ("ALLOWED_HOSTS", [], "partner_engine.E003"),
        ("ALLOWED_HOSTS", ["*"], "partner_engine.E003"),
        ("TRUSTED_PROXIES", None, "partner_engine.E004"),
        ("DEMO", True, "partner_engine.E005"),
        ("DATABASE_URL", "", "partner_engine.E006"),
        ("REDIS_URL", "", "partner_engine.E007"),
        ("FAILPOINT", "written", "partner_engine.E011"),
        ("RATE_LIMIT_FACTOR", 0.0, "partner_engine.E015"),
        ("PUBLIC_URL", "http://forms.example.com", "partner_engine.E016"),
        ("PUBLIC_URL", "", "partner_engine.E018"),
    ],
)
def test_each_missing_setting_is_refused_by_its_own_check(
    settings: Settings, name: str, value: object, check_id: str
) -> None:
    _as_in_production(settings)
    assert check_settings() == []

    setattr(settings, name, value)

    assert [fault.id for fault in check_settings()] == [check_id]


def _as_in_production(settings: Settings) -> None:
    settings.DEVELOPMENT = settings.DEMO = settings.FAILPOINTS_ALLOWED = False
    settings.RATE_LIMIT_FACTOR, settings.PUBLIC_URL = 1.0, "https://forms.example.com"
    settings.SECRET_KEY, settings.KEYRING = PRODUCTION["SECRET_KEY"], {"2026-01": KEY}
    settings.ALLOWED_HOSTS, settings.TRUSTED_PROXIES = [PRODUCTION["ALLOWED_HOSTS"]], 1
    settings.DATABASE_URL, settings.REDIS_URL = PRODUCTION["DATABASE_URL"], PRODUCTION["REDIS_URL"]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, []),
        ({"STATEMENT_TIMEOUT": 8_999, "LOCK_TIMEOUT": 8_999}, []),
        ({"STATEMENT_TIMEOUT": 9_000}, ["STATEMENT_TIMEOUT"]),
        ({"LOCK_TIMEOUT": 12_000}, ["LOCK_TIMEOUT"]),
        ({"LOCK_TIMEOUT": 0, "STATEMENT_TIMEOUT": 0}, ["LOCK_TIMEOUT", "STATEMENT_TIMEOUT"]),
        ({"STATEMENT_TIMEOUT": 0, "MAINTENANCE": True}, []),
        ({"STATEMENT_TIMEOUT": 60_000, "MAINTENANCE": True}, ["STATEMENT_TIMEOUT"]),
    ],
)
def test_a_statement_must_end_before_a_copys_lock_does(
    settings: Settings, given: dict[str, int], faults: list[str]
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)

    found = check_timeouts()

    assert [fault.msg.split()[0] for fault in found] == faults
    assert {fault.id for fault in found} <= {"partner_engine.E010"}


def test_a_web_server_does_not_start_with_statements_that_outlive_the_lock() -> None:
    done = run("import partner_engine.asgi", STATEMENT_TIMEOUT="0")

    assert done.returncode == 1
    assert "STATEMENT_TIMEOUT is 0 ms, but a copy's lock may end after 9000 ms" in done.stderr
    assert run("import partner_engine.asgi").returncode == 0


def test_maintenance_may_take_longer() -> None:
    check = "import sys; sys.argv = ['manage.py', 'check']; import manage; manage.main()"

    done = run(check)

    assert done.returncode == 0, done.stderr


def test_a_web_server_does_not_start_on_development_settings_in_production() -> None:
    done = run("import partner_engine.asgi", DEBUG="0")

    assert done.returncode == 1
    assert "SECRET_KEY is not set or too short." in done.stderr
    assert [line.rpartition("(")[2] for line in done.stderr.splitlines() if "(partner_engine." in line] == [
        f"partner_engine.E0{number})" for number in ("01", "02", "03", "04", "06", "07", "18")
    ]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "c2hvcnQ="}', '{"a": 5}', "{}"])
def test_a_malformed_keyring_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^KEYRING must be JSON") as refusal:
        keyring(text)

    assert text not in str(refusal.value).replace('{"2026-01"', "")
    assert refusal.value.__cause__ is None


def test_the_keyring_keeps_its_order() -> None:
    assert list(keyring(json.dumps({"2026-02": KEY, "2026-01": KEY}))) == ["2026-02", "2026-01"]


def test_a_tenants_database_is_an_alias_with_the_same_guards() -> None:
    limits = Limits(statement_timeout=8000, lock_timeout=2000, pool_size=0)
    environment = {"TENANT_DATABASE_SUMMIT": "postgres://one:two@db.example:5433/own?sslmode=require", "OTHER": "x"}

    made = databases("postgres://one:two@db.example/shared", environment, limits=limits)

    assert {alias: (database["NAME"], database["CONN_MAX_AGE"]) for alias, database in made.items()} == {
        "default": ("shared", 0),
        "summit": ("own", 0),
    }
    summit = made["summit"]
    assert (summit["HOST"], summit["PORT"], summit["ENGINE"]) == ("db.example", 5433, "tenants.postgresql")
    assert summit["OPTIONS"]["sslmode"] == "require"
    assert summit["OPTIONS"]["options"].startswith("-c statement_timeout=8000 -c lock_timeout=2000 ")
    assert "pool" not in summit["OPTIONS"]


def test_only_the_web_process_keeps_a_pool() -> None:
    shown = "; from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'].get('pool'))"

    assert run("import manage" + shown).stdout.strip() == "None"
    assert "'max_size': 10" in run("import partner_engine.asgi" + shown).stdout


def test_development_and_the_demo_need_nothing() -> None:
    shown = "from django.conf import settings; print(settings.DEBUG, settings.SESSION_COOKIE_SECURE)"

    assert run(shown).stdout.split() == ["True", "False"]
    assert run(shown, DEMO="1").stdout.split() == ["False", "False"]
    assert run(shown, **PRODUCTION).stdout.split() == ["False", "True"]


def test_an_unsafe_server_ends_with_a_sentence_per_fault(settings: Settings) -> None:
    _as_in_production(settings)
    refuse_unsafe_settings()
    settings.TRUSTED_PROXIES = None

    with pytest.raises(SystemExit, match=r"TRUSTED_PROXIES is not set.*\(partner_engine\.E004\)"):
        refuse_unsafe_settings()
    assert check_settings() == run_checks(tags=[TAG])


@pytest.mark.django_db
def test_the_role_of_the_tests_is_bound_by_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("8s",)

    assert check_database_role(databases=["default"]) == []


def test_settings_fit_one_file() -> None:
    lines = (CHECKOUT / "partner_engine" / "settings.py").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 300
    assert settings.USE_TZ is True
