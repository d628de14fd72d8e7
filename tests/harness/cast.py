"""Names that the cast of all tests share: databases, the demo's release, a password, this test process."""

from __future__ import annotations

import os

SECOND_DATABASE = "summit_db"
DEMO = "demo_small_commercial"
#: Always the same, so that a test process compiles it once; no sequence comes as far. Servers of browser tests keep a
#: release for all tests: each content has an id of its own.
DEMO_RELEASE = 2_000_000_000
NEWER_DEMO_RELEASE = 2_000_000_001
PERSONAL_DEMO_RELEASE = 2_000_000_002
LONG_RELEASE = 2_000_000_003
#: Parallel test processes share a Redis.
PROCESS = f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}:{os.getpid()}"
PASSWORD = "quiet-lantern-42"
