"""Names that the cast of all tests share: databases, the demo's release, a password, this test process."""

from __future__ import annotations

import os

SECOND_DATABASE = "summit_db"
DEMO = "demo_small_commercial"
#: Always the same, so that a test process compiles it once; no sequence comes as far.
DEMO_RELEASE = 2_000_000_000
#: Parallel test processes share a Redis.
PROCESS = f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}:{os.getpid()}"
PASSWORD = "quiet-lantern-42"
