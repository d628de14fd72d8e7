"""Log files by day, where ``LOG_DIRECTORY`` is set: application, error and security, each kept for its own time.

Each process appends to the file of the day (UTC), so processes share the files without renaming them under each other.
The first line of a new day deletes the files that are older than they may be.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
from datetime import UTC, date, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any, Final

from partner_engine.log_categories import AUDIT, SECURITY, category_of

#: The files, and for how many days they are kept by default.
APPLICATION_DAYS: Final = 14
ERROR_DAYS: Final = 14
SECURITY_DAYS: Final = 30
_OWNER_ONLY: Final = 0o600
_DATED: Final = re.compile(r"-(\d{4}-\d{2}-\d{2})\.log\Z")


class DailyFile(logging.Handler):
    """Appends lines to ``<directory>/<name>-<day>.log`` and deletes files of ``name`` after ``days`` days."""

    def __init__(self, directory: str, name: str, days: int) -> None:
        super().__init__()
        self._directory = Path(directory)
        self._file = name
        self._days = days
        self._day = date.min
        self._stream: FileIO | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Append the line. A full disk or a missing directory is reported once on standard error, as logging does."""
        try:
            line = self.format(record) + "\n"
            self._stream_of(datetime.fromtimestamp(record.created, tz=UTC).date()).write(line.encode())
        except Exception:  # noqa: BLE001 - a log that cannot be written must not end the work
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._day = date.min
        super().close()

    def _stream_of(self, day: date) -> FileIO:
        if self._stream is None or day > self._day:
            self._directory.mkdir(parents=True, exist_ok=True)
            if self._stream is not None:
                self._stream.close()
            self._stream = self._opened(self._directory / f"{self._file}-{day.isoformat()}.log")
            self._day = day
            self._delete_before(day - timedelta(days=self._days))
        return self._stream

    def _opened(self, path: Path) -> FileIO:
        """Open the file, which commands of root give to the owner of the folder, the user of the other processes.

        That user could plant a link to a file of root: no link is followed, and no file with a second name is taken.
        """
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _OWNER_ONLY)
        # Unbuffered: a line is one write at the end of the file, also beside other processes.
        stream = FileIO(number, "ab")
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            stream.close()
            raise OSError(errno.EPERM, "Not an ordinary file with one name", str(path))
        os.fchmod(number, _OWNER_ONLY)
        if os.geteuid() == 0:
            owner = self._directory.stat()
            os.fchown(number, owner.st_uid, owner.st_gid)
        return stream

    def _delete_before(self, day: date) -> None:
        for path in self._directory.glob(f"{self._file}-*.log"):
            found = _DATED.search(path.name)
            if found and date.fromisoformat(found.group(1)) < day:
                path.unlink(missing_ok=True)


class OnlySecurity(logging.Filter):
    """Lets lines about security and audit pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is one of them."""
        message = record.msg
        if isinstance(message, dict):
            return message.get("category") in (SECURITY, AUDIT)
        return category_of(str(message), record.name) in (SECURITY, AUDIT)


def file_handlers(directory: str, *, days: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Return the settings of the handlers for files in ``directory``; ``days`` are theirs by name."""
    shared = {"class": "partner_engine.log_files.DailyFile", "formatter": "json", "directory": directory}
    return {
        "application_file": {**shared, "name": "application", "days": days["application"], "filters": ["tasks"]},
        "error_file": {**shared, "name": "error", "days": days["error"], "level": "ERROR", "filters": ["tasks"]},
        "security_file": {
            **shared,
            "name": "security",
            "days": days["security"],
            "filters": ["tasks", "only_security"],
        },
    }
