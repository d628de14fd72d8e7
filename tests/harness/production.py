"""Programs with the environment of a production installation, which needs no server to be checked."""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
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


#: Waits for orders, and lets a fork of itself carry each out. The packages imported before an order make up most of a
#: start, and take no settings of the product at their import; each fork imports the product anew.
_STARTER: Final = """
import json, os, sys
import celery, jwcrypto.jwt, mcp.server, msgspec, oauthlib.oauth2, psycopg_pool, redis.asyncio, requests
import starlette.applications, structlog.dev, yaml, zstandard
import django.core.handlers.asgi, django.core.management, django.db.models, django.template, django.test
from django.conf import settings
assert not settings.configured
sys.path.insert(0, "")
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.environ.clear()
os.environ.update(order["environment"])
for number, name in enumerate((os.devnull, *order["files"])):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})
"""


def run(code: str, *, seconds: float = 3 * PATIENCE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process with only this environment, and DEBUG=1 unless it says otherwise; "" is not set.
    After ``seconds`` the process and its children are killed, and ``AssertionError`` is raised.
    """
    own = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "SYSTEMROOT")}
    own |= {"DJANGO_SETTINGS_MODULE": "partner_engine.settings", "DEBUG": "1", **environment}
    own = {name: value for name, value in own.items() if value}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        order = {"code": code, "environment": own, "files": [str(file) for file in files]}
        status = _carry_out(json.dumps(order), seconds=seconds)
        return subprocess.CompletedProcess(code, status, *(file.read_text(encoding="utf-8") for file in files))


def _carry_out(order: str, *, seconds: float) -> int:
    """Return the exit status of an order's program. A starter that fails is killed: its next line would be the status
    of an earlier order.
    """
    starter = _starter()
    assert starter.stdin is not None and starter.stdout is not None
    try:
        starter.stdin.write(order + "\n")
        starter.stdin.flush()
        ready, _, _ = select.select([starter.stdout], [], [], seconds)
        assert ready, "the program did not end in time"
        line = starter.stdout.readline()
        assert line, "the process that starts programs has ended"
        return int(line)
    except BaseException:
        _kill(starter)
        raise


@cache
def _starter() -> subprocess.Popen[str]:
    """Return the process that starts programs for this test process."""
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(_end, starter)
    return starter


def _end(starter: subprocess.Popen[str]) -> None:
    """Let the starter end by itself, or kill it."""
    if starter.returncode is None:
        try:
            starter.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            _kill(starter)


def _kill(starter: subprocess.Popen[str]) -> None:
    """Kill the starter and its programs; the next order gets a new one."""
    _starter.cache_clear()
    # Until it is reaped, no other process can get its number.
    with suppress(ProcessLookupError):
        os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
