"""Programs with the environment of a production installation, which needs no server to be checked."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.harness.tiers import PATIENCE

CHECKOUT: Final = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(b"k" * 32).decode()
PRODUCTION = {
    "DEBUG": "",
    "SECRET_KEY": "s" * 20 + "-a-production-key-" + "e" * 20,
    "KEYRING": json.dumps({"2026-01": KEY}),
    "ALLOWED_HOSTS": "partner-engine.example",
    "CSRF_TRUSTED_ORIGINS": "https://partner-engine.example",
    "TRUSTED_PROXIES": "1",
    "PUBLIC_URL": "https://partner-engine.example",
    "DATABASE_URL": "postgres://somebody:secret@127.0.0.1:1/nowhere",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process with only this environment, and DEBUG=1 unless it says otherwise; "" is not set."""
    own = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "SYSTEMROOT")}
    own |= {"DJANGO_SETTINGS_MODULE": "partner_engine.settings", "DEBUG": "1", **environment}
    own = {name: value for name, value in own.items() if value}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=own,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )
