"""Remembers a command's processes on disk, so that the next start can end those that a killed one left behind."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path


def birth_of(process_id: int) -> str | None:
    """Return a mark that tells the process from a later one with the same id; None when it is gone."""
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name in parentheses may hold blanks, so count from behind it: state is field 3, start time field 22.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(process_id)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.strip() or None


def current_boot() -> str:
    """Return what tells this run of the machine from earlier ones, whose process ids mean nothing now."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return ""


class Leftovers:
    """A list of (process id, birth, stop signal) in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[tuple[int, str, int]] = []

    def add(self, process_id: int, stop_signal: int) -> None:
        """Remember a process that was just started."""
        birth = birth_of(process_id)
        if birth is not None:
            self._rows.append((process_id, birth, stop_signal))
            self._path.write_text(json.dumps({"boot": current_boot(), "processes": self._rows}), encoding="utf-8")

    def clear(self) -> None:
        """Forget them all: they have ended."""
        self._rows.clear()
        self._path.unlink(missing_ok=True)

    def end_all(self, *, seconds: float = 8.0) -> int:
        """End the remembered processes that still live, whoever started them being gone; return how many there were."""
        rows = self._read()
        alive = [(pid, birth, number) for pid, birth, number in rows if birth_of(pid) == birth]
        for pid, _, number in alive:
            _send(pid, number)
        deadline = time.monotonic() + seconds
        while any(birth_of(pid) == birth for pid, birth, _ in alive) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid, birth, _ in alive:
            if birth_of(pid) == birth:
                _send(pid, signal.SIGKILL)
        for pid, _, _ in rows:
            # A worker's pool outlives a worker that was killed; it is in the worker's process group.
            if birth_of(pid) is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        self.clear()
        return len(alive)

    def _read(self) -> list[tuple[int, str, int]]:
        try:
            noted = json.loads(self._path.read_text(encoding="utf-8"))
            return [tuple(row) for row in noted["processes"]] if noted["boot"] == current_boot() else []
        except (OSError, ValueError, KeyError):
            return []


def _send(process_id: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process_id, number)
