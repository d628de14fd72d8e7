"""Record of a command's processes on disk, so that the next start ends those that a killed command left running."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path


def birth_of(process_id: int) -> str | None:
    """Return a mark that differs from that of a later process with the same id; None when the process is gone."""
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name in parentheses may contain blanks, so count after it: state is field 3, start time field 22.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    listing = ["ps", "-o", "lstart=", "-p", str(process_id)]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.strip() or None


def send(process_id: int, number: int, *, to_group: bool = False) -> None:
    """Send a signal to a process, or to its whole process group; ignore that it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if to_group else os.kill)(process_id, number)


class Leftovers:
    """The processes of one command as rows (process id, birth, stop signal) in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[tuple[int, str, int]] = []

    def add(self, process_id: int, stop_signal: int) -> None:
        """Store a process that was just started."""
        birth = birth_of(process_id)
        if birth is not None:
            self._rows.append((process_id, birth, stop_signal))
            self._path.write_text(json.dumps({"boot": _boot(), "processes": self._rows}), encoding="utf-8")

    def clear(self) -> None:
        """Delete the record after all processes have ended."""
        self._rows.clear()
        self._path.unlink(missing_ok=True)

    def end_all(self, *, seconds: float = 8.0) -> int:
        """End the recorded processes that still run; return their number."""
        rows = self._read()
        alive = [row for row in rows if birth_of(row[0]) == row[1]]
        for process_id, _, stop_signal in alive:
            send(process_id, stop_signal)
        deadline = time.monotonic() + seconds
        while any(birth_of(pid) == birth for pid, birth, _ in alive) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process_id, birth, _ in rows:
            # A killed worker's pool outlives it in its process group.
            if birth_of(process_id) in (None, birth):
                send(process_id, signal.SIGKILL, to_group=True)
        self.clear()
        return len(alive)

    def _read(self) -> list[tuple[int, str, int]]:
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            return [tuple(row) for row in record["processes"]] if record["boot"] == _boot() else []
        except (OSError, ValueError, KeyError):
            return []


def _boot() -> str:
    """Return the id of this run of the machine: process ids of earlier runs mean nothing."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return ""
