"""System checks of the settings, with ids and hints, and the refusal to start with unsafe ones."""

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
    """Return an error for each missing or unsafe setting in production (DEBUG=0)."""
    if settings.DEVELOPMENT:
        return []
    return [
        Error(f"{name} {problem}", hint=hint, id=f"partner_engine.{check_id}")
        for check_id, is_wrong, name, problem, hint in _production_errors()
        if is_wrong
    ]


def _production_errors() -> list[tuple[str, bool, str, str, str]]:
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
            "is not set: sensitive answers would be encrypted with the key in the source code.",
            'Set JSON such as {"2026-01": "<base64 of 32 random bytes>"} and protect it like the database.',
        ),
        (
            "E003",
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS",
            "is not set, or allows every name.",
            "List the host names of this installation.",
        ),
        (
            "E004",
            settings.TRUSTED_PROXIES is None,
            "TRUSTED_PROXIES",
            "is not set, so client addresses are unknown.",
            "Set the number of proxies in front of the application: 0 if clients connect directly.",
        ),
        (
            "E005",
            settings.DEMO,
            "DEMO",
            "is on: its passwords are public.",
            "Unset DEMO, or start without DEBUG=0 to see the demo.",
        ),
        ("E006", not settings.DATABASE_URL, "DATABASE_URL", "is not set.", "postgres://user:password@host:5432/name"),
        ("E007", not settings.REDIS_URL, "REDIS_URL", "is not set.", "redis://:password@host:6379/0"),
        (
            "E011",
            bool(settings.FAILPOINT) and not settings.FAILPOINTS_ALLOWED,
            "FAILPOINT",
            "is set: it kills or stops this process in the middle of a save.",
            "Unset it, or set ALLOW_FAILPOINTS=1 to test faults on purpose.",
        ),
    ]


@register(TAG)
def check_timeouts(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each database timeout that outlasts a copy's lock: the next save would start too early.

    0 means no timeout; ``manage.py`` sets it for its own statements.
    """
    limit = int((TTL_SECONDS - FRESH_SECONDS) * 1_000)
    timeouts = {"LOCK_TIMEOUT": settings.LOCK_TIMEOUT, "STATEMENT_TIMEOUT": settings.STATEMENT_TIMEOUT}
    if settings.MAINTENANCE and settings.STATEMENT_TIMEOUT == 0:
        del timeouts["STATEMENT_TIMEOUT"]
    return [
        Error(
            f"{name} is {timeout} ms, but a copy's lock may end after {limit} ms: a statement must end before it.",
            hint=f"Set a number of milliseconds between 1 and {limit - 1}.",
            id="partner_engine.E010",
        )
        for name, timeout in timeouts.items()
        if not 0 < timeout < limit
    ]


@register("database")
def check_database_role(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error for each database role that bypasses row-level security, and a warning for logs with values."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR rolbypassrls, current_setting('log_min_messages') NOT IN ('log', 'fatal', 'panic')"
                " FROM pg_roles WHERE rolname = current_user"
            )
            bypasses_security, logs_values = cursor.fetchone()
        if bypasses_security:
            messages.append(
                Error(
                    f"The role of database {alias!r} bypasses row-level security.",
                    hint="Connect as an ordinary role that owns the tables, without SUPERUSER and BYPASSRLS.",
                    id="partner_engine.E008",
                )
            )
        if logs_values and not settings.DEVELOPMENT:
            messages.append(
                Warning(
                    f"The server of database {alias!r} logs failed statements with their values.",
                    hint="As its superuser: ALTER ROLE partner_engine SET log_min_messages = 'log'.",
                    id="partner_engine.W009",
                )
            )
    return messages


def refuse_unsafe_settings() -> None:
    """Exit with one sentence per error.

    Servers call it when they start, because Django runs no checks then.
    """
    errors = [message for message in run_checks(tags=[TAG]) if message.level >= ERROR]
    if errors:
        raise SystemExit("\n".join(f"{error.msg} {error.hint} ({error.id})" for error in errors))
