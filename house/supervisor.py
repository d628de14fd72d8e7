"""Owns every process that a command starts: starts them, shows their output, and leaves none of them behind.

Single-threaded on purpose: all waiting goes through `Supervisor.pump`, the one place where output is moved and signals
take effect, so a signal can never fall between starting a process and remembering it.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from house.errors import HouseError, Stopped
from house.leftovers import Leftovers
from house.place import Account

PATIENCE = 12.0
"""Seconds a process has to end by itself before it is killed."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def say(text: str) -> None:
    """Print a line; a terminal that is gone must not keep the processes from being stopped."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def end_with_parent(signal_number: int) -> None:
    """Ask Linux to send this process `signal_number` when its parent dies, however it dies; elsewhere do nothing."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


@dataclass
class Child:
    """A process of ours: its name on the screen, how it is asked to end, the line it has not finished yet."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: int
    is_server: bool
    unfinished_line: bytes = field(default=b"")

    def send(self, signal_number: int) -> None:
        """Signal the process and whatever it started in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal_number)


class Supervisor:
    """Start, watch and stop processes; use as a context manager, which stops them all in any case.

    Programs (web, worker, ...) end before the servers they need. `record`, when given, remembers the processes on disk
    so that the next start can end what a killed supervisor left.
    """

    def __init__(self, *, record: Leftovers | None = None) -> None:
        self._children: list[Child] = []
        self._record = record
        self._selector = selectors.DefaultSelector()
        self._received: int | None = None

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a hang-up is ignored, and stays so; SIGINT is taken even where a background shell ignores it.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            signal.signal(number, self._note)
        if os.environ.get("MAKELEVEL"):
            end_with_parent(signal.SIGTERM)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def _note(self, number: int, _frame: object) -> None:
        self._received = number

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        log: Path | None = None,
        server_stop_signal: int | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start a long-running process in a session of its own.

        Its output goes to `log`, or line by line to the screen behind its name. With `server_stop_signal` it is a
        server: it is stopped after the programs, by that signal.
        """
        stop_signal = server_stop_signal or signal.SIGTERM
        with open(log, "ab") if log else contextlib.nullcontext(subprocess.PIPE) as output:
            process = _popen(
                command,
                output=output,
                environment=environment,
                account=account,
                folder=folder,
                parent_death_signal=stop_signal,
            )
        child = Child(name=name, process=process, stop_signal=stop_signal, is_server=server_stop_signal is not None)
        self._children.append(child)
        if self._record:
            self._record.add(process.pid, stop_signal)
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, child)
        return child

    def run(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        log: Path | None = None,
        folder: Path | None = None,
        given: bytes | None = None,
    ) -> int:
        """Run a step to its end and return its exit status; output to the screen, or to `log` (which is begun anew).

        `given` is what the step reads. Raises `Stopped` after ending the step when a signal arrives meanwhile.
        """
        # Somebody at a terminal may want to talk to the step (a debugger): then it shares our process group.
        alone = log is not None or not sys.stdin.isatty()
        with open(log, "wb") if log else contextlib.nullcontext(None) as output, _input(given) as source:
            process = _popen(
                command,
                output=output,
                environment=environment,
                account=account,
                folder=folder,
                source=source,
                alone=alone,
            )
            try:
                while process.poll() is None:
                    self.pump(0.05)
            except Stopped:
                _end_step(process, alone=alone)
                raise
        return process.returncode

    def pump(self, seconds: float) -> None:
        """Move output to the screen for up to `seconds`; raise `Stopped` when a signal came."""
        self._move_output(seconds)
        if self._received is not None:
            raise Stopped(self._received)

    def wait_until(self, is_true: Callable[[], bool], *, seconds: float, child: Child) -> bool:
        """Wait until `is_true()`; return False when `seconds` are over or `child` has ended before."""
        deadline = time.monotonic() + seconds
        while not is_true():
            if child.process.poll() is not None or time.monotonic() > deadline:
                return False
            self.pump(0.05)
        return True

    def watch(self) -> None:
        """Show output until a signal comes (raises `Stopped`) or a process ends by itself (raises `HouseError`)."""
        while True:
            for child in self._children:
                status = child.process.poll()
                if status is not None:
                    self._move_output(0.2)
                    raise HouseError(
                        f"{child.name} ended by itself (status {status}), so everything was stopped; "
                        "its last lines above say why."
                    )
            self.pump(0.2)

    def forget(self, child: Child) -> None:
        """End a child at once and drop it: it did not start as it should."""
        _stop([child], self._move_output)
        self._children.remove(child)

    def stop_all(self) -> None:
        """End all processes: programs first, then servers, the last started first. Never raises."""
        programs = [child for child in self._children if not child.is_server]
        servers = [child for child in self._children if child.is_server]
        _stop(programs, self._move_output)
        for server in reversed(servers):
            _stop([server], self._move_output)
        self._children.clear()
        if self._record:
            self._record.clear()

    def _move_output(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            child: Child = key.data
            chunk = os.read(key.fd, 65536)
            if not chunk:
                self._selector.unregister(key.fileobj)
                continue
            *lines, child.unfinished_line = (child.unfinished_line + chunk).split(b"\n")
            for line in lines:
                say(f"{child.name:<8}| {line.decode(errors='replace')}")


def _popen(  # noqa: PLR0913 - the face of subprocess.Popen for this module
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int | None,
    environment: Mapping[str, str] | None,
    account: Account | None,
    folder: Path | None,
    source: IO[bytes] | int | None = subprocess.DEVNULL,
    alone: bool = True,
    parent_death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process whose end is tied to ours; as `account` when one is given (only root can)."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        end_with_parent(parent_death_signal)

    try:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=dict(environment) if environment is not None else None,
            cwd=folder,
            start_new_session=alone,
            preexec_fn=prepare,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise HouseError(f"{command[0]} cannot be started: {error.strerror or error}.") from error


@contextlib.contextmanager
def _input(given: bytes | None) -> Iterator[IO[bytes] | int | None]:
    """Yield what a step reads: nothing, the terminal, or `given` from a pipe (small: it has to fit in the pipe)."""
    if given is None:
        yield None if sys.stdin.isatty() else subprocess.DEVNULL
        return
    reading, writing = os.pipe()
    os.write(writing, given)
    os.close(writing)
    with open(reading, "rb") as source:
        yield source


def _end_step(process: subprocess.Popen[bytes], *, alone: bool) -> None:
    """End an interrupted step, politely first, so that test runners tear their own things down."""
    for number, seconds in ((signal.SIGINT, PATIENCE), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if alone else os.kill)(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    if alone:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _stop(children: Sequence[Child], move_output: Callable[[float], None]) -> None:
    for child in children:
        if child.process.poll() is None:
            # Only the process itself: a Celery worker ends its pool in order, a PostgreSQL its backends.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + PATIENCE
    while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
        move_output(0.05)
    for child in children:
        # Whatever is left of its session; nearly always nothing.
        child.send(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(3.0)
