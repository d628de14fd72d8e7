"""Divides the rewriting of asserts among parallel test processes, which read each other's work from pytest's cache.

In a new checkout each of them would rewrite all files, which is almost half of collecting.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import pytest
from _pytest.assertion import rewrite
from _pytest.assertion.rewrite import assertstate_key

TESTS: Final = Path(__file__).resolve().parents[1]


def rewrite_own_part(config: pytest.Config) -> None:
    """Write the cache of this process's part of the test files, as importing them would; do nothing outside of a run
    of all tests in parallel.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or sys.dont_write_bytecode or config.args != config.getini("testpaths"):
        return
    own, count = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for file in sorted(TESTS.rglob("test_*.py"))[own::count]:
        folder = rewrite.get_cache_dir(file)
        cached = folder / (file.stem + rewrite.PYC_TAIL)
        if rewrite._read_pyc(file, cached) is None and rewrite.try_makedirs(folder):
            source_hash, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(config.stash[assertstate_key], code, source_hash, cached)
