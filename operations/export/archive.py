"""The archive of an export: a zip file that is written as a stream and appears under its name only when complete."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

#: The version of the archive's layout, which docs/running.md describes.
FORMAT = 1


class ArchiveExists(Exception):
    """The file exists already; exports replace nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already. Name another file, or delete it.")


class Archive:
    """An archive under construction, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        """Begin beside ``path``, in a file with the suffix ``.part``. Raises ``ArchiveExists``."""
        if path.exists():
            raise ArchiveExists(path)
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._part.unlink(missing_ok=True)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, lines: Iterable[bytes]) -> int:
        """Write a member line by line; return the number of its lines."""
        digest, rows = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for line in lines:
                member.write(line)
                digest.update(line)
                rows += 1
        self.files[name] = {"rows": rows, "sha256": digest.hexdigest()}
        return rows

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, and give the file its name."""
        content = {"format": FORMAT, **manifest, "files": self.files}
        self._zip.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(content), indent=2))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.rename(self._path)

    def discard(self) -> None:
        """Delete what was written, unless it is finished."""
        if not self._file.closed:
            self._zip.close()
            self._file.close()
        self._part.unlink(missing_ok=True)
