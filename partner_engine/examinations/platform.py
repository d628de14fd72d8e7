"""Checks of what the product stands on: databases, Redis, background processes, backups, and keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connections

from copies.models import Copy
from encryption.key_ring import key_service
from partner_engine.ages import age
from partner_engine.examinations.check import COUNTED, Check, Finding, NotChecked
from partner_engine.health import (
    LastSign,
    last_signs_of_celery,
    last_signs_of_relays,
    state_of_database,
    state_of_redis,
)
from tenants.models import Backup

#: A daily backup that is two hours late.
BACKUP_AGE: Final = timedelta(hours=26)
_OUTBOX: Final = ("actions", "outboxaction")


def check_databases(now: datetime) -> Finding:
    """Check that every database responds."""
    failed = [alias for alias in connections if state_of_database(alias) != "ok"]
    if failed:
        return Finding(figure=f"{len(failed):,}", text=f"not responding: {', '.join(failed)}", tone="bad")
    return Finding(figure=f"{len(list(connections)):,}", text="all respond", tone="good")


def check_redis(now: datetime) -> Finding:
    """Check that Redis responds and takes writes."""
    state = state_of_redis()
    if state == "failed":
        return Finding(figure="away", text="it does not respond; saves and pages are slower", tone="bad")
    if state == "degraded":
        return Finding(figure="read-only", text="it refuses writes; saves and pages are slower", tone="warn")
    return Finding(figure="up", text="responds and takes writes", tone="good")


def check_relay(now: datetime) -> Finding:
    """Check that a relay works in every database. Raises ``RedisError``."""
    return _alive({f"database {alias}": sign for alias, sign in last_signs_of_relays().items()})


def check_celery(now: datetime) -> Finding:
    """Check that beat sends tasks and a worker ends them. Raises ``RedisError``."""
    signs = last_signs_of_celery()
    return _alive({"beat": signs["beat"], "workers": signs["worker"]})


def check_backups(now: datetime) -> Finding:
    """Check that every database was backed up lately. Raises ``NotChecked`` if a backup was never reported."""
    noted = dict(Backup.objects.values_list("database", "finished_at"))
    missing = [alias for alias in connections if alias not in noted]
    if missing:
        raise NotChecked(f"no backup was ever reported of database {', '.join(missing)}")
    oldest = min(noted[alias] for alias in connections)
    is_late = now - oldest > BACKUP_AGE
    return Finding(figure=age(oldest), text="since the oldest last backup", tone="bad" if is_late else "good")


def check_keys(now: datetime) -> Finding:
    """Check that the keys of the oldest and the newest sealed answers are there."""
    sealed = Copy.objects.exclude(key_id="").values_list("key_id", flat=True)
    used = {key for order in ("id", "-id") for key in sealed.order_by(order)[:COUNTED]}
    missing = sorted(key for key in used if not key_service().opens(key))
    if missing:
        return Finding(
            figure=f"{len(missing):,}", text=f"missing, so answers do not open: {', '.join(missing)}", tone="bad"
        )
    if not settings.KEY_SERVICE and settings.KEYRING == settings.DEVELOPMENT_KEYRING:
        return Finding(figure="demo", text="the development key is in use: store nothing real", tone="warn")
    return Finding(figure=f"{len(used):,}", text="in use, and all are there", tone="good")


def _alive(signs: dict[str, LastSign]) -> Finding:
    """Return a finding about processes and the last sign of life of each."""
    silent = [_silence(name, sign.at) for name, sign in signs.items() if sign.is_silent]
    if silent:
        return Finding(figure="silent", text=", ".join(silent), tone="bad")
    oldest = min(sign.at for sign in signs.values() if sign.at is not None)
    return Finding(figure="alive", text=f"last seen {age(oldest)} ago", tone="good")


def _silence(name: str, at: datetime | None) -> str:
    return f"{name}: no sign of life in the last day" if at is None else f"{name}: last seen {age(at)} ago"


PLATFORM_CHECKS: Final[Iterable[Check]] = (
    Check(
        title="Databases",
        label=("tenants", "tenant"),
        look=check_databases,
        remedy="Start the database server, or correct its URL in the settings.",
        has_list=False,
        is_of_installation=True,
    ),
    Check(
        title="Redis",
        label=_OUTBOX,
        look=check_redis,
        remedy="Start Redis, or free its memory. No work is lost.",
        has_list=False,
        is_of_installation=True,
    ),
    Check(
        title="Relay",
        label=_OUTBOX,
        look=check_relay,
        remedy="Start manage.py relay; deferred actions and webhooks wait for it.",
        is_of_installation=True,
    ),
    Check(
        title="Beat and workers",
        label=_OUTBOX,
        look=check_celery,
        remedy="Start celery beat and a celery worker; decisions after a publish wait for them.",
        has_list=False,
        is_of_installation=True,
    ),
    Check(
        title="Backups",
        label=_OUTBOX,
        look=check_backups,
        remedy="Let the backup job end with manage.py note_backup --database ALIAS.",
        has_list=False,
        is_of_installation=True,
    ),
    Check(
        title="Keys",
        label=("copies", "copy"),
        look=check_keys,
        remedy="Set KEYRING to keys of your own, and add missing ones back to it or to KEY_SERVICE.",
        has_list=False,
    ),
)
