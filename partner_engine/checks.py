"""System checks of the settings, with ids and hints, and the refusal to start with unsafe ones.

In production a server starts only when these checks and those of ``start_checks`` pass; docs/deploying.md lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.core.checks.messages import ERROR
from django.db import DatabaseError, connections

from redis_locks.fair_lock import FRESH_SECONDS, TTL_SECONDS

TAG: Final = "partner_engine"
#: The tags of ``start_checks``: of all servers, and of those that serve pages.
START: Final = "start"
PAGES: Final = "pages"
SECRET_KEY_LENGTH: Final = 50
#: The last line of a refusal: a developer usually forgot this one setting.
DEVELOPERS: Final = "This is production, because DEBUG=1 is not set; on a developer's machine set it (docs/running.md)."


@register(TAG)
def check_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each missing or unsafe setting in production."""
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
            "Unset DEMO, or start with DEBUG=1 to see the demo.",
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
        (
            "E015",
            not settings.RATE_LIMIT_FACTOR and not settings.FAILPOINTS_ALLOWED,
            "RATE_LIMIT_FACTOR",
            "is 0: all rate limits are off.",
            "Unset it, or set ALLOW_FAILPOINTS=1 for a load test.",
        ),
        (
            "E016",
            bool(settings.PUBLIC_URL) and not settings.PUBLIC_URL.startswith("https://"),
            "PUBLIC_URL",
            "does not begin with https://: guest links and callbacks would travel in the clear.",
            "Set the public address of this installation, such as https://forms.example.com.",
        ),
        (
            "E018",
            not settings.PUBLIC_URL,
            "PUBLIC_URL",
            "is not set: links in mails would lead to a host that the request names.",
            "Set the public address of this installation, such as https://forms.example.com.",
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
    """Return an error for each database role that bypasses row-level security, and a warning for logs with values.

    A database that does not respond gets a warning: servers start without it and try again.
    """
    messages: list[CheckMessage] = []
    for alias in databases or ():
        try:
            bypasses_security, logs_values = _role_of(alias)
        except DatabaseError as error:
            messages.append(
                Warning(
                    f"The database {alias!r} does not respond ({type(error).__name__}), so its role was not checked.",
                    hint="Start the database server, or correct its URL.",
                    id="partner_engine.W017",
                )
            )
            continue
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


def _role_of(alias: str) -> tuple[bool, bool]:
    """Return whether the role bypasses row-level security, and whether the server logs values."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls, current_setting('log_min_messages') NOT IN ('log', 'fatal', 'panic')"
            " FROM pg_roles WHERE rolname = current_user"
        )
        bypasses_security, logs_values = cursor.fetchone()
    return bypasses_security, logs_values


@register("database")
def check_database_encoding(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error for each database whose encoding is not UTF-8: SQL_ASCII checks no text and counts bytes, others
    lack characters. A database that does not respond is left to ``check_database_role``.
    """
    encodings: dict[str, str] = {}
    for alias in databases or ():
        with suppress(DatabaseError):
            encodings[alias] = _encoding_of(alias)
    return [
        Error(
            f"The encoding of database {alias!r} is {encoding}: names and searches would be wrong.",
            hint="Dump it, create it again with ENCODING 'UTF8' TEMPLATE template0, and restore the dump.",
            id="partner_engine.E019",
        )
        for alias, encoding in encodings.items()
        if encoding != "UTF8"
    ]


def _encoding_of(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        return str(cursor.fetchone()[0])


def refuse_unsafe_start(*, serves_pages: bool) -> None:
    """Exit with one sentence per error of the settings, then per error of what this process needs to start.

    Servers call it when they start, because Django runs no checks then.
    """
    refuse_unsafe_settings()
    _refuse([START, PAGES] if serves_pages else [START])


def refuse_unsafe_settings() -> None:
    """Exit with one sentence per error of the settings."""
    _refuse([TAG])


def _refuse(tags: Sequence[str]) -> None:
    errors = [message for message in run_checks(tags=tags, include_deployment_checks=True) if message.level >= ERROR]
    if errors:
        last = [] if settings.DEVELOPMENT else [DEVELOPERS]
        raise SystemExit("\n".join([*(f"{error.msg} {error.hint} ({error.id})" for error in errors), *last]))
