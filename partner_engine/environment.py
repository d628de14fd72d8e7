"""Parsers of environment variables: databases, networks, carriers, mail and master keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, TypeAlias

import environ
from django.core.exceptions import ImproperlyConfigured

from partner_engine.log_files import APPLICATION_DAYS, ERROR_DAYS, SECURITY_DAYS
from partner_engine.logging import logging_settings

#: TENANT_DATABASE_SUMMIT=postgres://... defines the alias "summit", which a tenant can name as its own database.
TENANT_DATABASE_PREFIX: Final = "TENANT_DATABASE_"
#: The shared database where none is named; production refuses that (partner_engine.E006).
DEVELOPMENT_DATABASE_URL: Final = "postgres://partner_engine@127.0.0.1:5432/partner_engine"
KEY_BYTES: Final = 32
#: A hundred years, which the database can still subtract from today.
MOST_DAYS: Final = 36_500
#: Django's own defaults.
MAIL_DEFAULTS: Final[Mapping[str, Any]] = {
    "EMAIL_HOST": "localhost",
    "EMAIL_PORT": 25,
    "EMAIL_HOST_USER": "",
    "EMAIL_HOST_PASSWORD": "",
    "EMAIL_USE_TLS": False,
    "EMAIL_USE_SSL": False,
    "EMAIL_FILE_PATH": "",
}
Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a process's connections: timeouts in milliseconds, and the pool's size (0: no pool)."""

    statement_timeout: int
    lock_timeout: int
    pool_size: int


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The numbers of processes of this installation, on all machines together, and the pool of each web process.

    With a pooler in between the servers' own limits do not count.
    """

    web: int
    relay: int
    #: Celery's children.
    worker: int
    web_pool: int
    is_pooled_outside: bool = False


def processes(env: environ.Env) -> Processes:
    """Return the numbers of processes that the environment names, for partner_engine.W012."""
    return Processes(
        web=env.int("WEB_PROCESSES", default=1),
        relay=env.int("RELAY_PROCESSES", default=1),
        worker=env.int("WORKER_PROCESSES", default=2),
        # Web processes have a pool of this size by default (partner_engine/asgi.py).
        web_pool=env.int("DATABASE_POOL_SIZE", default=10),
        is_pooled_outside=env.bool("DATABASE_POOLER", default=False),
    )


@dataclass(frozen=True, kw_only=True)
class CarrierNetwork:
    """The addresses of carriers: public ones at these ports, and any port of the networks that are allowed besides."""

    allowed_networks: tuple[str, ...]
    ports: tuple[int, ...]
    #: The address of the simulator, to which the links of the demo lead.
    simulator_url: str


def carrier_network(env: environ.Env) -> CarrierNetwork:
    """Return the addresses to which calls of carriers may go. Raises ``ImproperlyConfigured``."""
    allowed = networks(env.list("CARRIER_ALLOWED_NETWORKS", default=[]), name="CARRIER_ALLOWED_NETWORKS")
    return CarrierNetwork(
        allowed_networks=tuple(map(str, allowed)),
        ports=tuple(env.list("CARRIER_PORTS", cast=int, default=[443, 8443])),
        simulator_url=env.str("CARRIER_SIMULATOR_URL", default=""),
    )


@dataclass(frozen=True, kw_only=True)
class OperationLimits:
    """The limits of batch operations: threads and items per chunk, times in seconds, and days."""

    #: Threads per relay and database that work on operations.
    workers: int
    chunk_size: int
    #: Threads per request that work on a small operation at once; the pool's size limits them too.
    threads: int
    #: The time for one item.
    item_seconds: float
    #: The time for one drain; a worker then looks at other work.
    drain_seconds: float
    lease_seconds: float
    retention_days: int


def operation_limits(env: environ.Env) -> OperationLimits:
    """Return the limits of batch operations. Raises ``ImproperlyConfigured``."""
    limits = OperationLimits(
        workers=env.int("OPERATION_WORKERS", default=2),
        chunk_size=env.int("OPERATION_CHUNK_SIZE", default=100),
        threads=env.int("OPERATION_THREADS", default=4),
        item_seconds=env.float("OPERATION_ITEM_SECONDS", default=10.0),
        drain_seconds=env.float("OPERATION_DRAIN_SECONDS", default=120.0),
        lease_seconds=env.float("OPERATION_LEASE_SECONDS", default=60.0),
        retention_days=env.int("OPERATION_RETENTION_DAYS", default=7),
    )
    if min(limits.workers, limits.threads, limits.retention_days) < 1 or limits.lease_seconds < 1.0:
        names = "OPERATION_WORKERS, OPERATION_THREADS, OPERATION_LEASE_SECONDS and OPERATION_RETENTION_DAYS"
        raise ImproperlyConfigured(f"{names} must be at least 1.")
    if limits.item_seconds <= 0:
        raise ImproperlyConfigured("OPERATION_ITEM_SECONDS must be more than 0.")
    if not 1 <= limits.chunk_size <= 500:  # noqa: PLR2004 - what a chunk of copies holds at most
        raise ImproperlyConfigured("OPERATION_CHUNK_SIZE must be between 1 and 500.")
    return limits


@dataclass(frozen=True, kw_only=True)
class DeletedForms:
    """The retention of deleted forms: the days after which they are erased (0: never), and whether bound ones are
    erased too. ``test_days`` are the days after which test forms are erased, deleted or not (0: never).
    """

    days: int
    purges_bound: bool
    test_days: int = 0


def deleted_forms(env: environ.Env) -> DeletedForms:
    """Return the retention of deleted forms. Raises ``ImproperlyConfigured``."""
    retention = DeletedForms(
        days=env.int("DELETED_FORM_RETENTION_DAYS", default=90),
        purges_bound=env.bool("PURGE_BOUND_FORMS", default=False),
        test_days=env.int("TEST_FORM_RETENTION_DAYS", default=30),
    )
    if not 0 <= retention.test_days <= MOST_DAYS:
        raise ImproperlyConfigured(f"TEST_FORM_RETENTION_DAYS must be between 0 (never) and {MOST_DAYS}.")
    if not 0 <= retention.days <= MOST_DAYS:
        raise ImproperlyConfigured(f"DELETED_FORM_RETENTION_DAYS must be between 0 (never) and {MOST_DAYS}.")
    return retention


def databases(default: str, environment: Mapping[str, str], *, limits: Limits) -> dict[str, dict[str, Any]]:
    """Return Django's settings of the shared database at the URL ``default`` and of the tenants' own databases."""
    own = {
        name.removeprefix(TENANT_DATABASE_PREFIX).lower(): _database(url, limits)
        for name, url in sorted(environment.items())
        if name.startswith(TENANT_DATABASE_PREFIX) and url
    }
    return {**own, "default": _database(default or DEVELOPMENT_DATABASE_URL, limits)}


def _database(url: str, limits: Limits) -> dict[str, Any]:
    session = {
        "statement_timeout": limits.statement_timeout,
        "lock_timeout": limits.lock_timeout,
        "idle_in_transaction_session_timeout": 30_000,
        # The server's log must not contain parameters; for values within a statement's text see partner_engine.W009 and
        # docs/running.md.
        "log_parameter_max_length_on_error": 0,
    }
    database: dict[str, Any] = environ.Env.db_url_config(url)
    options: dict[str, Any] = {
        "application_name": "partner_engine",
        "connect_timeout": 3,
        # A server whose machine is gone closes no connection: without these, a statement waits for it for hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
        **database.get("OPTIONS", {}),
    }
    if limits.pool_size:
        # A short wait: longer ones are better refused with 503. No more wait than there are requests at once
        # (partner_engine.request_places); a limit here would count waits that timed out (tenants.postgresql.base).
        # While a server is away, the pool tries again for two seconds and then anew with the next request; by default
        # it would wait twice as long each time, for minutes.
        queue = {"timeout": 3, "reconnect_timeout": 2}
        options["pool"] = {"min_size": 0, "max_size": limits.pool_size, **queue}
    return database | {
        "ENGINE": "tenants.postgresql",
        "CONN_MAX_AGE": 0,
        # A server-side cursor cannot set the tenant in the same round trip, and fails behind a pooler.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": options,
    }


def mail(url: str) -> dict[str, Any]:
    """Return Django's mail settings for a server (``smtp+tls://user:password@host:587``) or for a folder to write mails
    to (``filemail:////folder``).
    """
    parsed: dict[str, Any] = environ.Env.email_url_config(url)
    return {**MAIL_DEFAULTS, **{name: value for name, value in parsed.items() if value is not None}}


def logs(env: environ.Env, *, level: str, is_readable: bool) -> dict[str, Any]:
    """Return Django's settings of logs: text for people if ``is_readable``; files by day with ``LOG_DIRECTORY``."""
    days = {
        "application": env.int("LOG_APPLICATION_DAYS", default=APPLICATION_DAYS),
        "error": env.int("LOG_ERROR_DAYS", default=ERROR_DAYS),
        "security": env.int("LOG_SECURITY_DAYS", default=SECURITY_DAYS),
    }
    directory: str = env.str("LOG_DIRECTORY", default="")
    return logging_settings(is_readable=is_readable, level=level, directory=directory, days=days)


def networks(texts: Sequence[str], *, name: str = "METRICS_NETWORKS") -> list[Network]:
    """Parse networks such as 10.0.0.0/8 or ::1. Raises ``ImproperlyConfigured``."""
    try:
        return [ip_network(text.strip()) for text in texts]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}; list networks such as 10.0.0.0/8,::1.") from error


def unquoted(text: str) -> str:
    """Return a setting without the quotes around it: a shell needs them in a file of settings, and other programs that
    read such a file leave them there (``podman run --env-file``).
    """
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def sender(env: environ.Env) -> str:
    """Return the sender of mails."""
    return unquoted(env.str("MAIL_FROM", default="Partner Engine <no-reply@partner-engine.example>"))


def keyring(text: str) -> dict[str, str]:
    """Parse the master keys, in order. Raises ``ImproperlyConfigured``, which does not quote them."""
    remedy = 'KEYRING must be JSON such as {"2026-01": "<base64 of 32 random bytes>"}, oldest key first.'
    try:
        keys = json.loads(unquoted(text))
        lengths = {len(base64.b64decode(key, validate=True)) for key in keys.values()}
    except (ValueError, TypeError, AttributeError):
        raise ImproperlyConfigured(remedy) from None
    if lengths != {KEY_BYTES}:
        raise ImproperlyConfigured(remedy)
    return {str(key_id): key for key_id, key in keys.items()}
