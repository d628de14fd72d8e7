"""A command that root runs leaves log files to which the other processes can append."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from partner_engine.log_files import DailyFile


@pytest.mark.parametrize(("user", "is_given"), [(0, True), (1_000, False)])
def test_files_of_root_belong_to_the_owner_of_the_folder(
    user: int, is_given: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int, int]] = []

    def give(number: int, *owner: int) -> None:
        given.append((Path(f"/proc/self/fd/{number}").resolve().parent.name, *owner))

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fchown", give)
    handler = DailyFile(str(tmp_path), "application", 14)

    handler.emit(logging.LogRecord("name", logging.INFO, "file", 1, "message", (), None))
    handler.close()

    owner = tmp_path.stat()
    assert given == [(tmp_path.name, owner.st_uid, owner.st_gid)] * is_given


@pytest.mark.parametrize("plant", [Path.symlink_to, Path.hardlink_to], ids=["link", "second name"])
def test_no_log_goes_into_a_file_of_another_name(
    plant: Callable[[Path, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logs = tmp_path / "logs"
    logs.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("root's own")
    precious.chmod(0o640)
    record = logging.LogRecord("name", logging.INFO, "file", 1, "message", (), None)
    plant(logs / f"application-{datetime.fromtimestamp(record.created, tz=UTC).date()}.log", precious)
    handler = DailyFile(str(logs), "application", 14)

    handler.emit(record)
    handler.close()

    assert precious.read_text() == "root's own"
    assert stat.S_IMODE(precious.stat().st_mode) == 0o640
