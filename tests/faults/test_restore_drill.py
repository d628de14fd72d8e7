"""The drill of docs/backup.md: two databases are dumped, restored into empty ones, and read there as here."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from house.place import CHECKOUT, database_home, server_account
from house.servers import BACKUP_ROLE, ROLE
from tests.harness.faults.servers import Servers

pytestmark = pytest.mark.fault
KEYRING: Final = json.dumps({"drill": base64.b64encode(b"d" * 32).decode()})
OTHER_KEYRING: Final = json.dumps({"other": base64.b64encode(b"x" * 32).decode()})
APART: Final = "apart"
#: The demo's forms are those of one tenant; some of the other one stay in the shared database.
SHARED_FORMS: Final = """
import django
django.setup()
from catalogue.demo import read_samples
from partner_engine.management.commands.seed_demo import _start
from tenants.access import system_actor
from tenants.models import Tenant
for sample in read_samples()[:3]:
    _start(sample, scope=Tenant.objects.get(code="summit"), actor=system_actor("drill"))
"""
DOCTOR: Final = """
import manage, sys
sys.argv = ["manage.py", "doctor", "--json"]
try:
    manage.main()
except SystemExit:
    pass
"""


class Installation:
    """A shared database and one tenant's own, with the settings of the processes that use them."""

    def __init__(self, servers: Servers, *, shared: str, apart: str) -> None:
        self.servers = servers
        self.databases = {"default": shared, APART: apart}

    def run(self, *command: str, keyring: str = KEYRING, demo: bool = False) -> str:
        """Run a program of the product here; return its output."""
        environment = {
            **os.environ,
            "DATABASE_URL": self.servers.url_of(self.databases["default"]),
            f"TENANT_DATABASE_{APART.upper()}": self.servers.url_of(self.databases[APART]),
            "REDIS_URL": self.servers.redis_url,
            "KEYRING": keyring,
            "DEMO": "1" if demo else "0",
            "LOG_LEVEL": "ERROR",
        }
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
        return done.stdout

    def book(self, *, keyring: str = KEYRING) -> list[dict[str, Any]]:
        """Return what every copy is read as."""
        lines = self.run("-m", "tests.harness.restored_book", keyring=keyring).splitlines()
        return [json.loads(line) for line in lines]

    def health(self) -> dict[tuple[str, str | None], str]:
        """Return the levels that the doctor finds."""
        # A failed check, such as a relay that does not run here, is an exit code.
        found = self.run("-c", DOCTOR)
        return {(check["check"], check["database"]): check["level"] for check in json.loads(found)["checks"]}


@pytest.fixture(scope="module")
def source(servers: Servers) -> Installation:
    """Return an installation with the demo's forms, one of whose tenants has a database of its own."""
    installation = Installation(servers, shared=servers.new_database(), apart=servers.new_tenant_database())
    installation.run("manage.py", "seed_demo", demo=True)
    installation.run("manage.py", "move_tenant", "harbor", "--to", APART)
    installation.run("-c", SHARED_FORMS)
    return installation


def program(name: str) -> str:
    """Return the path of a program of the embedded PostgreSQL."""
    home = database_home(server_account())
    found = sorted(home.glob(f"software/*/.pg0/installation/*/bin/{name}"))
    if not found:
        pytest.skip(f"the embedded PostgreSQL has no {name}")
    return str(found[-1])


def connection(servers: Servers, database: str, role: str) -> str:
    parts = urlsplit(servers.url_of(database))
    return f"postgresql://{role}:{parts.password}@127.0.0.1:{parts.port}/{database}"


def dump(servers: Servers, database: str, *options: str, role: str) -> subprocess.CompletedProcess[bytes]:
    command = [program("pg_dump"), "--no-owner", "--no-privileges", *options, connection(servers, database, role)]
    return subprocess.run(command, capture_output=True, check=False, env=_libraries())


def _libraries() -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(Path(program("pg_dump")).parent.parent / "lib")}


def restored(source: Installation, folder: Path) -> Installation:
    """Dump both databases with the backup role, the tenant's first; restore them as the application's role."""
    servers, names = source.servers, {}
    for alias in (APART, "default"):
        file = folder / f"{alias}.dump"
        done = dump(servers, source.databases[alias], "--format=custom", f"--file={file}", role=BACKUP_ROLE)
        assert done.returncode == 0, done.stderr
        names[alias] = servers.new_database("template0")
        options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        target = f"--dbname={connection(servers, names[alias], ROLE)}"
        command = [program("pg_restore"), *options, target, str(file)]
        back = subprocess.run(command, capture_output=True, check=False, env=_libraries())
        assert back.returncode == 0, back.stderr
    return Installation(servers, shared=names["default"], apart=names[APART])


def test_a_restored_installation_opens_every_form_and_decides_as_before(source: Installation, tmp_path: Path) -> None:
    before = source.book()
    assert {line["database"] for line in before} == {"default", APART}
    assert sum(line["sealed"] for line in before) > 0

    there = restored(source, tmp_path)

    assert there.book() == before
    assert [line for line in before if line["differs"] or line["unreadable"]] == []
    there.run("manage.py", "verify_history")
    there.run("manage.py", "upgrade")
    health = there.health()
    for check in ("Documents", "Decisions and quotes", "Shared index"):
        assert (health[check, "default"], health[check, APART]) == ("ok", "ok"), check
    assert health["Migrations", None] == "ok"


def test_without_the_key_ring_sealed_answers_stay_closed_and_all_else_opens(source: Installation) -> None:
    known, without = source.book(), source.book(keyring=OTHER_KEYRING)

    assert [line["copy"] for line in without] == [line["copy"] for line in known]
    assert all(line["unreadable"] == line["sealed"] for line in without)
    assert [line["stored"] for line in without] == [line["stored"] for line in known]


def test_a_dump_with_the_applications_role_is_refused_or_empty(source: Installation) -> None:
    servers, database = source.servers, source.databases[APART]

    refused = dump(servers, database, role=ROLE)
    silent = dump(servers, database, "--enable-row-security", "--data-only", "--table=copies_copy", role=ROLE)
    whole = dump(servers, database, "--data-only", "--table=copies_copy", role=BACKUP_ROLE)

    assert (refused.returncode, b"row-level security" in refused.stderr) == (1, True)
    assert (silent.returncode, _rows(silent.stdout)) == (0, 0)
    assert _rows(whole.stdout) > 0


def _rows(text: bytes) -> int:
    _, _, rows = text.partition(b"FROM stdin;\n")
    return len(rows.partition(b"\\.\n")[0].splitlines())
