"""A command that root runs leaves log files to which the other processes can append."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from partner_engine.log_files import DailyFile


@pytest.mark.parametrize(("user", "is_given"), [(0, True), (1_000, False)])
def test_files_of_root_belong_to_the_owner_of_the_folder(
    user: int, is_given: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "chown", lambda path, *owner: given.append((Path(path).parent.name, *owner)))
    handler = DailyFile(str(tmp_path), "application", 14)

    handler.emit(logging.LogRecord("name", logging.INFO, "file", 1, "message", (), None))
    handler.close()

    owner = tmp_path.stat()
    assert given == [(tmp_path.name, owner.st_uid, owner.st_gid)] * is_given
