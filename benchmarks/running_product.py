"""The whole product for the measurements: web processes, relay, Celery worker and beat, started as in production, and
the processor time and memory of each kind of program.

Processor time is read from /proc and from Redis, so it is right also where other work shares the machine.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from django.db import connection
from django_redis import get_redis_connection

CHECKOUT: Final = Path(__file__).parents[1]
#: As in deploy/: sockets' messages are small, and compression costs memory per connection.
_WEB: Final = (
    "-m partner_engine.web_server partner_engine.asgi:application --port {port} --no-proxy-headers --no-access-log "
    "--log-level warning --timeout-keep-alive 75 --ws-max-size 65536 --ws-per-message-deflate false"
)
_CELERY: Final = "-m celery --quiet -A partner_engine"
WORKER: Final = f"{_CELERY} worker --loglevel warning --concurrency 2 --without-mingle --without-gossip"
RELAY: Final = "manage.py relay"
_PATIENCE: Final = 120.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Program:
    """One running program: its kind, its process, and for web the port."""

    kind: str
    process: subprocess.Popen[bytes]
    port: int = 0
    began: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, kw_only=True)
class Product:
    """The running programs."""

    programs: tuple[Program, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the ports of the web processes."""
        return tuple(program.port for program in self.programs if program.kind == "web")

    def processor_seconds(self) -> dict[str, float]:
        """Return the processor time used so far by each kind of program and by the servers, in seconds."""
        used = {program.kind: 0.0 for program in self.programs}
        for program in self.programs:
            used[program.kind] += tree_seconds(program.process.pid)
        return {**used, "PostgreSQL": postgresql_seconds(), "Redis": redis_seconds()}

    def resident_megabytes(self) -> dict[str, float]:
        """Return the proportional memory of each kind of program: pages shared by processes count once, in parts."""
        kept = {program.kind: 0.0 for program in self.programs}
        for program in self.programs:
            kept[program.kind] += self.megabytes_of(program.process.pid)
        return kept

    @staticmethod
    def megabytes_of(pid: int) -> float:
        """Return the proportional memory of a process and of those below it."""
        return sum(_proportional(one) for one in _tree(pid)) / 1_024


@contextmanager
def running(
    *, web: int = 2, more: Mapping[str, str] = MappingProxyType({}), celery: bool = True, relays: int = 1
) -> Iterator[Product]:
    """Start the programs on the databases of this process and yield them when pages are served."""
    with ExitStack() as cleaning:
        folder = cleaning.enter_context(tempfile.TemporaryDirectory())
        metrics = Path(folder, "metrics")
        metrics.mkdir()
        environment = product_environment(PROMETHEUS_MULTIPROC_DIR=str(metrics), **more)
        ports = free_ports(web)
        commands = [("web", web_command(port), port) for port in ports]
        commands += [("relay", RELAY, 0)] * relays
        if celery:
            beat = f"{_CELERY} beat --loglevel warning --schedule {folder}/beat"
            commands += [("worker", WORKER, 0), ("beat", beat, 0)]
        programs = []
        for kind, command, port in commands:
            process = cleaning.enter_context(started(command.split(), environment))
            programs.append(Program(kind=kind, process=process, port=port))
        for port in ports:
            wait_for(port)
        yield Product(programs=tuple(programs))


def product_environment(**more: str) -> dict[str, str]:
    """Return the environment of a program of the product on the databases of this process, as `make run` has it."""
    return {**os.environ, "LOG_LEVEL": "INFO", "DEMO": "1", **more}


def web_command(port: int) -> str:
    """Return the command of a web process at ``port``."""
    return _WEB.format(port=port)


@contextmanager
def started(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run one Python program of the product; its log is written and thrown away, as writing it is work too."""
    process = subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, "-W", "ignore", *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(number: int) -> list[int]:
    """Return free ports of this machine."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [one.getsockname()[1] for one in sockets]


def wait_for(port: int, *, path: str = "/readyz") -> None:
    """Wait until the web process at ``port`` responds with 200."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            client.request("GET", path)
            if client.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            client.close()
    raise TimeoutError("The web server did not get ready.")


def machine_seconds() -> float:
    """Return the processor time of this machine that was not idle, of all cores, in seconds."""
    fields = [int(value) for value in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


def _tree(pid: int) -> list[int]:
    """Return ``pid`` and the processes below it that still run."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text(encoding="ascii").split()]
    return found


def tree_seconds(pid: int) -> float:
    """Return the processor time of a process and of those below it, in seconds."""
    return sum(_seconds(one) for one in _tree(pid))


def _seconds(pid: int) -> float:
    """Return the processor time of a process and of its ended children."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in stat.rpartition(") ")[2].split()[11:15]) / _TICKS


def _proportional(pid: int) -> float:
    """Return the memory of a process in kilobytes, its part of shared pages included."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return float(next(line.split()[1] for line in lines if line.startswith("Pss:")))


def postgresql_seconds() -> float:
    """Return the processor time of the server and all its backends; 0 where it runs on another machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    try:
        stat = Path(f"/proc/{backend}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return tree_seconds(int(stat.rpartition(") ")[2].split()[1]))


def redis_seconds() -> float:
    """Return the processor time of Redis."""
    found = get_redis_connection("default").info("cpu")
    return float(found["used_cpu_sys"] + found["used_cpu_user"])
