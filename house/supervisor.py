"""Start, watch and stop every process of a command, and leave none running.

Single-threaded on purpose: all waiting goes through `Supervisor.pump`, the one place where output moves and signals
take effect, so a signal never falls between the start of a process and its entry in the list.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from house.errors import HouseError, Stopped
from house.leftovers import Leftovers, send
from house.place import Account

PATIENCE = 12.0
"""Seconds that a process has to end before it is killed."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds before a program that ended by itself is started again; each time twice as long, up to the longest."""
CALM = 60.0
"""Seconds after which a program counts as having lasted, and the first pause applies again."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def say(text: str) -> None:
    """Print a line; ignore a closed terminal, which must not keep the processes from being stopped."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def end_with_parent(signal_number: int) -> None:
    """Ask Linux to send `signal_number` to this process when its parent dies; do nothing on other systems."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


class Options(TypedDict, total=False):
    """Options of a process: `account` is the user it runs as, `log` takes its output, `source` is its input."""

    environment: Mapping[str, str]
    account: Account | None
    folder: Path
    log: Path
    source: Path | None


@dataclass
class Child:
    """A running process: its name on the screen, its stop signal, and the start of an unfinished line of output."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: int
    is_server: bool
    is_alone: bool
    unfinished_line: bytes = b""


@dataclass
class Kept:
    """A program that is started again when it ends by itself: how, when it was started, and the pause before the next
    start.
    """

    start: Callable[[], Child]
    started_at: float
    pause: float = FIRST_PAUSE
    due_at: float | None = None


class Supervisor:
    """Start, watch and stop processes; a context manager that stops them all at its end.

    Programs (web, worker, ...) end before the servers that they need. `record` stores the processes on disk, so that
    the next start can end those that a killed supervisor left.
    """

    def __init__(self, *, record: Leftovers | None = None) -> None:
        self._children: list[Child] = []
        self._kept: dict[str, Kept] = {}
        self._record = record
        self._selector = selectors.DefaultSelector()
        self._received: int | None = None
        self._outer: Supervisor | None = None

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup ignores SIGHUP, and so do we; SIGINT is handled even where a background shell ignores it.
            before = signal.getsignal(number)
            if number != signal.SIGHUP or before != signal.SIG_IGN:
                # In the block of another supervisor a signal is for both: this one may end before the other.
                outer = getattr(before, "__self__", None)
                self._outer = outer if isinstance(outer, Supervisor) else self._outer
                signal.signal(number, self._receive)
        if os.environ.get("MAKELEVEL"):
            end_with_parent(signal.SIGTERM)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        server_stop_signal: int | None = None,
        is_step: bool = False,
        **options: Unpack[Options],
    ) -> Child:
        """Start a process in a session of its own; without a log its output goes to the screen after its name.

        With `server_stop_signal` it is a server: it stops after the programs, by that signal. A step writes to the
        screen itself, or into a new log.
        """
        log, source, account = options.get("log"), options.get("source"), options.get("account")
        # At a terminal the user may talk to a step (a debugger): then it shares our process group.
        is_alone = not is_step or log is not None or not sys.stdin.isatty()
        # An interrupted test runner cleans up after itself, a terminated one does not.
        stop_signal = server_stop_signal or (signal.SIGINT if is_step else signal.SIGTERM)

        with contextlib.ExitStack() as stack:
            stdin = stack.enter_context(open(source, "rb")) if source else subprocess.DEVNULL if is_alone else None
            screen = None if is_step else subprocess.PIPE
            stdout = stack.enter_context(open(log, "wb" if is_step else "ab")) if log else screen
            try:
                process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=None if stdout is None else subprocess.STDOUT,
                    env=options.get("environment"),
                    cwd=options.get("folder"),
                    start_new_session=is_alone,
                    preexec_fn=partial(end_with_parent, stop_signal),
                    user=account.user_id if account else None,
                    group=account.group_id if account else None,
                    extra_groups=[] if account else None,
                )
            except OSError as error:
                raise HouseError(f"{command[0]} cannot be started: {error.strerror or error}.") from error
        child = Child(name, process, stop_signal, server_stop_signal is not None, is_alone)
        self._children.append(child)
        if self._record and is_alone:
            self._record.add(process.pid, stop_signal)
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, child)
        return child

    def keep(self, name: str, command: Sequence[str | Path], **options: Unpack[Options]) -> Child:
        """Start a program that `watch` starts again when it ends by itself, after a pause that grows."""
        start = partial(self.start, name, command, **options)
        self._kept[name] = Kept(start, time.monotonic())
        return start()

    def run(self, command: Sequence[str | Path], **options: Unpack[Options]) -> int:
        """Run a step to its end and return its exit status; raise `Stopped` after a signal."""
        return self.wait_for(self.start(str(command[0]), command, is_step=True, **options))

    def pump(self, seconds: float) -> None:
        """Move output to the screen for up to `seconds`; raise `Stopped` after a signal."""
        self._move_output(seconds)
        if self._received is not None:
            raise Stopped(self._received)

    def wait_for(self, child: Child) -> int:
        """Wait until a step ends; return its exit status."""
        while child.process.poll() is None:
            self.pump(0.05)
        self._children.remove(child)
        return int(child.process.returncode)

    def wait_until(self, is_true: Callable[[], bool], *, seconds: float, child: Child) -> bool:
        """Wait until `is_true()`; return False after `seconds` or when `child` ends before."""
        deadline = time.monotonic() + seconds
        while not is_true():
            if child.process.poll() is not None or time.monotonic() > deadline:
                return False
            self.pump(0.05)
        return True

    def watch(self) -> None:
        """Show output until a signal comes (raises `Stopped`) or a process ends by itself (raises `HouseError`).

        A program of `keep` is started again instead.
        """
        while True:
            for child in list(self._children):
                status = child.process.poll()
                if status is not None:
                    self._move_output(0.2)
                    self._plan_start(child, status)
            for kept in self._kept.values():
                if kept.due_at is not None and time.monotonic() >= kept.due_at:
                    kept.due_at, kept.started_at = None, time.monotonic()
                    kept.start()
            self.pump(0.2)

    def _plan_start(self, child: Child, status: int) -> None:
        """Plan the next start of a kept program that ended; raise `HouseError` for any other."""
        kept = self._kept.get(child.name)
        if kept is None:
            raise HouseError(
                f"{child.name} ended by itself (status {status}), so everything was stopped; "
                "its last lines above say why."
            )
        # What is left of its session would work beside the next one.
        send(child.process.pid, signal.SIGKILL, to_group=child.is_alone)
        self._children.remove(child)
        now = time.monotonic()
        has_lasted = now - kept.started_at > CALM
        pause = FIRST_PAUSE if has_lasted else kept.pause
        kept.due_at, kept.pause = now + pause, min(LONGEST_PAUSE, pause * 2)
        say(f"{child.name} ended by itself (status {status}); it is started again in {pause:.0f} s.")

    def forget(self, child: Child) -> None:
        """End a child that did not start properly and drop it."""
        self._stop([child])
        self._children.remove(child)

    def forget_servers(self) -> None:
        """End all servers, the last started first, and drop them. Never raises."""
        for server in [child for child in reversed(self._children) if child.is_server]:
            self._stop([server])
            self._children.remove(server)

    def stop_all(self) -> None:
        """End all processes: programs first, then servers. Never raises."""
        self._stop([child for child in self._children if not child.is_server])
        self.forget_servers()
        self._children.clear()
        self._kept.clear()
        if self._record:
            self._record.clear()

    def _receive(self, number: int, frame: object) -> None:
        self._received = number
        if self._outer is not None:
            self._outer._receive(number, frame)

    def _move_output(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            child: Child = key.data
            chunk = os.read(key.fd, 65536)
            if not chunk:
                self._selector.unregister(key.fileobj)
                if child.process.stdout is not None:
                    child.process.stdout.close()
                continue
            *lines, child.unfinished_line = (child.unfinished_line + chunk).split(b"\n")
            for line in lines:
                say(f"{child.name:<8}| {line.decode(errors='replace')}")

    def _stop(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process.poll() is None:
                # Only the process itself: a Celery worker ends its pool in order, a PostgreSQL its backends.
                send(child.process.pid, child.stop_signal)
        deadline = time.monotonic() + PATIENCE
        while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
            self._move_output(0.05)
        for child in children:
            # Usually nothing is left of its session.
            if child.is_alone or child.process.poll() is None:
                send(child.process.pid, signal.SIGKILL, to_group=child.is_alone)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(3.0)
