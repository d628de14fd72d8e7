"""What an installation must have set: system checks with ids and hints, and the refusal to start without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.core.checks.messages import ERROR
from django.db import connections

from redis_locks.fair_lock import FRESH_SECONDS, TTL_SECONDS

TAG: Final = "partner_engine"
SECRET_KEY_LENGTH: Final = 50


@register(TAG)
def check_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is missing or unsafe in production (DEBUG=0)."""
    if settings.DEVELOPMENT:
        return []
    return [
        Error(f"{name} {fault}", hint=hint, id=f"partner_engine.{check_id}")
        for check_id, is_wrong, name, fault, hint in _production_faults()
        if is_wrong
    ]


def _production_faults() -> list[tuple[str, bool, str, str, str]]:
    key = settings.SECRET_KEY
    is_weak = key == settings.DEVELOPMENT_SECRET_KEY or len(key) < SECRET_KEY_LENGTH
    return [
        (
            "E001",
            is_weak,
            "SECRET_KEY",
            "is not set or too short.",
            f"Set {SECRET_KEY_LENGTH} random characters or more.",
        ),
        (
            "E002",
            settings.KEYRING == settings.DEVELOPMENT_KEYRING,
            "KEYRING",
            "is not set: sensitive answers would be sealed with a key that everybody knows.",
            'Set JSON such as {"2026-01": "<base64 of 32 random bytes>"} and keep it as safe as the database.',
        ),
        (
            "E003",
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS",
            "is not set, or lets every name in.",
            "List the names under which browsers and partners reach this installation.",
        ),
        (
            "E004",
            settings.TRUSTED_PROXIES is None,
            "TRUSTED_PROXIES",
            "is not set, so no client's address can be told.",
            "Set the number of your proxies before the application: 0 when clients reach it directly.",
        ),
        (
            "E005",
            settings.DEMO,
            "DEMO",
            "is on: its sign-ins are known to everybody.",
            "Take DEMO away, or start without DEBUG=0 to look at the demo.",
        ),
        ("E006", not settings.DATABASE_URL, "DATABASE_URL", "is not set.", "postgres://user:password@host:5432/name"),
        ("E007", not settings.REDIS_URL, "REDIS_URL", "is not set.", "redis://:password@host:6379/0"),
        (
            "E010",
            bool(settings.FAILPOINT) and not settings.FAILPOINTS_ALLOWED,
            "FAILPOINT",
            "is set: it kills or stops this process in the middle of a save.",
            "Take it away; where faults on purpose are wanted, set ALLOW_FAILPOINTS=1.",
        ),
    ]


@register(TAG)
def check_timeouts(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return a fault for each timeout of the database that outlives a copy's lock: the next save would start meanwhile.

    0 means no end; ``manage.py`` lets its own statements take as long as they need.
    """
    most = int((TTL_SECONDS - FRESH_SECONDS) * 1_000)
    timeouts = {"LOCK_TIMEOUT": settings.LOCK_TIMEOUT, "STATEMENT_TIMEOUT": settings.STATEMENT_TIMEOUT}
    if settings.MAINTENANCE and settings.STATEMENT_TIMEOUT == 0:
        del timeouts["STATEMENT_TIMEOUT"]
    return [
        Error(
            f"{name} is {given} ms, but a copy's lock may end after {most} ms: a statement must end before it.",
            hint=f"Set a number of milliseconds between 1 and {most - 1}.",
            id="partner_engine.E010",
        )
        for name, given in timeouts.items()
        if not 0 < given < most
    ]


@register("database")
def check_database_role(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return a fault for each database whose role row-level security does not bind, or whose log would quote values."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR rolbypassrls, current_setting('log_min_messages') NOT IN ('log', 'fatal', 'panic')"
                " FROM pg_roles WHERE rolname = current_user"
            )
            is_unbound, is_quoting = cursor.fetchone()
        if is_unbound:
            found.append(
                Error(
                    f"The role of database {alias!r} passes by row-level security.",
                    hint="Connect as an ordinary role that owns the tables: no superuser, no BYPASSRLS.",
                    id="partner_engine.E008",
                )
            )
        if is_quoting and not settings.DEVELOPMENT:
            found.append(
                Warning(
                    f"The server of database {alias!r} writes failed statements, with their values, into its log.",
                    hint="As its superuser: ALTER ROLE partner_engine SET log_min_messages = 'log'.",
                    id="partner_engine.W009",
                )
            )
    return found


def refuse_unsafe_settings() -> None:
    """End the process with a sentence per fault.

    Servers call it at their start, where Django checks nothing by itself.
    """
    faults = [message for message in run_checks(tags=[TAG]) if message.level >= ERROR]
    if faults:
        raise SystemExit("\n".join(f"{fault.msg} {fault.hint} ({fault.id})" for fault in faults))
