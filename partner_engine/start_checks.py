"""Checks of what a server needs to start in production, besides settings: static files, roles, connections, Redis.

``manage.py check --deploy`` runs them too. Databases and Redis that do not respond stop no start: the product waits for
them.
"""

from __future__ import annotations

import filecmp
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import connections
from django_redis import get_redis_connection
from redis.exceptions import ReadOnlyError, RedisError

from partner_engine.checks import PAGES, START, check_database_encoding, check_database_role
from partner_engine.connection_budget import OVERDRAWN_HINT, overdrawn
from partner_engine.static_version import MANIFEST, is_whole, own_files, own_manifest


@register(PAGES, deploy=True)
def check_static_files(app_configs: object = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error if the static files were not collected, or are those of another version: pages would fail."""
    if settings.DEVELOPMENT or not (fault := static_fault()):
        return []
    hint = "Run manage.py collectstatic --no-input with the settings of the server, after each upgrade."
    return [Error(fault, hint=hint, id="partner_engine.E013")]


@register(START, deploy=True)
def check_servers(app_configs: object = None, **kwargs: Any) -> list[CheckMessage]:
    """Return the errors of the databases and of Redis in production."""
    if settings.DEVELOPMENT:
        return []
    # A web server starts within an event loop, where Django refuses to use a connection.
    found: list[CheckMessage] = []
    thread = threading.Thread(target=lambda: found.extend(_in_thread(server_faults)), name="start checks", daemon=True)
    thread.start()
    thread.join()
    return found


def server_faults() -> list[CheckMessage]:
    """Return the errors of databases (role, encoding), connections, and Redis; what does not respond is left out."""
    roles = check_database_role(databases=list(connections))
    budgets = [Error(sentence, hint=OVERDRAWN_HINT, id="partner_engine.E012") for sentence in overdrawn()]
    encodings = check_database_encoding(databases=list(connections))
    return [*(message for message in roles if message.is_serious()), *encodings, *budgets, *redis_faults()]


def redis_faults() -> list[CheckMessage]:
    """Return an error if ``REDIS_URL`` leads to a replica, which refuses every write.

    Full memory and lost replicas pass by themselves: they stop no start, and ``/readyz`` names them.
    """
    try:
        get_redis_connection("default").set(f"{settings.LOCK_PREFIX}:start", b"1", ex=60)
    except ReadOnlyError:
        hint = "Set it to the primary, or make this server one."
        return [Error("REDIS_URL leads to a replica, which refuses writes.", hint=hint, id="partner_engine.E014")]
    except RedisError:
        pass
    return []


def static_fault() -> str:
    """Return what is wrong with the collected static files, "" if those of this version are among them."""
    root = Path(settings.STATIC_ROOT)
    if (of_this_version := _collected(root / own_manifest())) is not None:
        changed = next((name for name in of_this_version.values() if not is_whole(root / name)), None)
        return f"Static files were removed or changed: {changed} in {root}." if changed else ""
    if (known := _collected(root / MANIFEST)) is None:
        return f"The static files were not collected: {root / MANIFEST} is missing, and every page would fail."
    for source, name in own_files():
        is_collected = name in known and (root / name).exists() and (root / known[name]).exists()
        if not is_collected or not filecmp.cmp(source, root / name, shallow=False):
            return f"The static files are those of another version: {name} in {root} differs or is missing."
    return ""


def _collected(manifest: Path) -> dict[str, str] | None:
    """Return the names with hashes of what a manifest lists, None if it cannot be read."""
    try:
        return {name: str(hashed) for name, hashed in json.loads(manifest.read_text(encoding="utf-8"))["paths"].items()}
    except (OSError, ValueError, KeyError):
        return None


def _in_thread(check: Callable[[], list[CheckMessage]]) -> list[CheckMessage]:
    try:
        return check()
    finally:
        connections.close_all()
