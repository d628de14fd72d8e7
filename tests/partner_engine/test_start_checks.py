"""What stops the start of a server in production besides its settings, each with an id and a remedy of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connections
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from house.static_files import collect_plainly
from partner_engine import start_checks
from partner_engine.checks import DEVELOPERS, check_database_role, refuse_unsafe_start
from partner_engine.start_checks import check_servers, check_static_files, redis_faults, server_faults, static_fault
from tests.harness.cast import SECOND_DATABASE
from tests.harness.production import PRODUCTION, run

STARTS = {
    "web": "import partner_engine.asgi",
    "web without sockets": "import partner_engine.wsgi",
    "worker": "from partner_engine.celery import _refuse; _refuse()",
    "relay": "import sys; sys.argv = ['manage.py', 'relay']; import manage; manage.main()",
}


@pytest.fixture
def static(tmp_path: Path, settings: Settings) -> Path:
    """Return the folder of collected files of an installation with one stylesheet and one script."""
    own, collected = tmp_path / "own", tmp_path / "collected"
    for name in ("web/page.css", "web/page.js"):
        for folder, hashed in ((own, name), (collected, name), (collected, name.replace(".", ".0123."))):
            (folder / hashed).parent.mkdir(parents=True, exist_ok=True)
            (folder / hashed).write_text(name)
    paths = {name: name.replace(".", ".0123.") for name in ("web/page.css", "web/page.js")}
    (collected / "staticfiles.json").write_text(json.dumps({"paths": paths}))
    settings.DEVELOPMENT, settings.STATIC_ROOT, settings.STATICFILES_DIRS = False, collected, [own]
    return collected


def test_collected_static_files_are_accepted(static: Path) -> None:
    assert check_static_files() == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("staticfiles.json", None, "were not collected"),
        ("staticfiles.json", "{", "were not collected"),
        ("staticfiles.json", '{"paths": {"web/page.css": "web/page.0123.css"}}', "another version: web/page.js"),
        ("web/page.css", "newer", "another version: web/page.css"),
        ("web/page.css", None, "another version: web/page.css"),
        ("web/page.0123.js", None, "another version: web/page.js"),
    ],
)
def test_missing_or_other_static_files_stop_a_web_server(
    static: Path, name: str, content: str | None, words: str
) -> None:
    (static / name).unlink() if content is None else (static / name).write_text(content)

    (fault,) = check_static_files()

    assert (fault.id, words in fault.msg, "collectstatic" in str(fault.hint)) == ("partner_engine.E013", True, True)


def test_the_whole_product_can_be_collected(tmp_path: Path, settings: Settings) -> None:
    collect_plainly(tmp_path)
    settings.STATIC_ROOT = tmp_path

    assert static_fault() == ""


@pytest.mark.parametrize("error", [RedisAway, OutOfMemoryError])
def test_a_redis_that_is_away_or_full_stops_no_start(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    _break_redis(monkeypatch, error)

    assert redis_faults() == []


def test_a_replica_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert redis_faults() == []
    _break_redis(monkeypatch, ReadOnlyError)

    (fault,) = redis_faults()

    assert (fault.id, fault.msg.startswith("REDIS_URL leads to a replica")) == ("partner_engine.E014", True)


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_roles_and_connections_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_faults() == []
    monkeypatch.setattr("partner_engine.checks._role_of", lambda alias: (alias == SECOND_DATABASE, True))
    monkeypatch.setattr(start_checks, "overdrawn", lambda: ["The PostgreSQL server allows too few."])

    role, budget = server_faults()

    assert (role.id, SECOND_DATABASE in role.msg) == ("partner_engine.E008", True)
    assert (budget.id, "max_connections" in str(budget.hint)) == ("partner_engine.E012", True)


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_databases_of_another_encoding_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_faults() == []
    monkeypatch.setattr(
        "partner_engine.checks._encoding_of", lambda alias: "SQL_ASCII" if alias == SECOND_DATABASE else "UTF8"
    )

    (fault,) = server_faults()

    assert (fault.id, f"{SECOND_DATABASE!r} is SQL_ASCII" in fault.msg) == ("partner_engine.E019", True)
    assert "ENCODING 'UTF8'" in str(fault.hint)


def test_a_database_that_is_away_stops_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(alias: str) -> Any:
        raise DatabaseError

    monkeypatch.setattr("partner_engine.checks._role_of", away)
    monkeypatch.setattr("partner_engine.checks._encoding_of", away)
    monkeypatch.setattr(start_checks, "overdrawn", list)

    assert server_faults() == []
    assert {fault.id for fault in check_database_role(databases=list(connections))} == {"partner_engine.W017"}


def test_development_needs_no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_checks, "server_faults", lambda: pytest.fail("development looked at servers"))

    assert check_servers() == []


def test_faults_of_servers_end_the_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEVELOPMENT = False
    monkeypatch.setattr("partner_engine.checks.refuse_unsafe_settings", lambda: None)
    monkeypatch.setattr(start_checks, "check_database_role", lambda databases: [])
    monkeypatch.setattr(start_checks, "check_database_encoding", lambda databases: [])
    monkeypatch.setattr(start_checks, "overdrawn", lambda: ["The PostgreSQL server allows too few."])

    with pytest.raises(SystemExit, match=r"allows too few\. Raise max_connections.*\(partner_engine\.E012\)"):
        refuse_unsafe_start(serves_pages=False)


@pytest.mark.parametrize("kind", STARTS)
def test_a_server_without_any_setting_is_in_production_and_refused(kind: str) -> None:
    done = run(STARTS[kind], DEBUG="")

    assert done.returncode == 1
    for number in ("01", "02", "03", "04", "06", "07"):
        assert f"partner_engine.E0{number}" in done.stderr
    assert "Traceback" not in done.stderr
    assert kind == "relay" or DEVELOPERS in done.stderr


def test_a_web_server_without_static_files_is_refused(tmp_path: Path) -> None:
    done = run(STARTS["web"], **PRODUCTION, STATIC_ROOT=str(tmp_path))

    assert (done.returncode, "(partner_engine.E013)" in done.stderr) == (1, True)


def _break_redis(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr("redis.Redis.set", refuse)
