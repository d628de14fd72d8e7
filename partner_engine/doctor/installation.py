"""Checks of the installation itself: settings, static files, database roles, migrations, connections, mails, backups,
and links to carriers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import run_checks as run_system_checks
from django.core.management import call_command
from django.db import connections
from django_redis import get_redis_connection

from carriers.models import CarrierLink
from catalogue.models import Catalogue
from catalogue.releases import NoRelease, current
from partner_engine.checks import TAG, check_database_encoding, check_database_role
from partner_engine.connection_budget import overdrawn
from partner_engine.examinations.check import Check, Finding, NotChecked
from partner_engine.health import missing_migrations
from partner_engine.start_checks import static_fault

_TENANT: Final = ("tenants", "tenant")
_LINK: Final = ("carriers", "carrierlink")
#: Roles that a complete dump can be taken with: they read everything, and row-level security does not apply to them.
_BACKUP_ROLES: Final = (
    "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolbypassrls"
    " AND pg_has_role(oid, 'pg_read_all_data', 'USAGE') ORDER BY rolname"
)
NO_BACKUP_ROLE: Final = (
    "pg_dump with the application's role is refused by row-level security, and with --enable-row-security it ends well"
    " with no row of any tenant; no role that can read everything exists on the server of {servers}"
)


def check_settings(now: datetime) -> Finding:
    """Check what stops a start in production, and Django's own checks of a deployment."""
    if settings.DEVELOPMENT:
        return Finding(figure="DEBUG=1", text="development: unsafe settings are not looked at")
    return _of_messages(run_system_checks(tags=[TAG, "security"], include_deployment_checks=True), "settings are safe")


def check_static(now: datetime) -> Finding:
    """Check that the static files were collected from this version."""
    if settings.DEVELOPMENT:
        return Finding(figure="DEBUG=1", text="development serves them from where they are")
    fault = static_fault()
    return Finding(figure="stale" if fault else "ok", text=fault or "of this version", tone="bad" if fault else "good")


def check_roles(now: datetime) -> Finding:
    """Check that every database role is bound by row-level security, and that no server logs values."""
    return _of_messages(check_database_role(databases=list(connections)), "every role is bound by row-level security")


def check_encodings(now: datetime) -> Finding:
    """Check that every database stores text as UTF-8."""
    return _of_messages(check_database_encoding(databases=list(connections)), "every database stores text as UTF-8")


def check_connections(now: datetime) -> Finding:
    """Check that every server allows as many connections as all processes may open."""
    faults = overdrawn()
    if faults:
        return Finding(figure=f"{len(faults):,}", text=" ".join(faults), tone="bad")
    return Finding(figure="ok", text="every server allows enough", tone="good")


def check_migrations(now: datetime) -> Finding:
    """Check that every database has all migrations."""
    waiting = {alias: missing_migrations(alias) for alias in connections}
    behind = [f"{alias} lacks {', '.join(names[:3])}" for alias, names in waiting.items() if names]
    if behind:
        return Finding(figure=f"{len(behind):,}", text="; ".join(behind), tone="bad")
    return Finding(figure=f"{len(waiting):,}", text="databases have all migrations", tone="good")


def check_redis_memory(now: datetime) -> Finding:
    """Check that Redis never evicts keys: locks and jobs would go. Raises ``RedisError``."""
    memory = get_redis_connection("default").info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        return Finding(figure=policy, text="a full memory drops locks and jobs", tone="warn")
    return Finding(figure="ok", text="drops no key by itself", tone="good")


def check_mails(now: datetime) -> Finding:
    """Check that mails are sent and lead somewhere."""
    lacks = []
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        lacks.append("EMAIL_URL is not set, so mails are only written to the worker's log")
    if not settings.PUBLIC_URL:
        lacks.append("PUBLIC_URL is not set, so mails lead nowhere and carriers are only polled")
    text = "; ".join(lacks) or f"sent by {settings.EMAIL_HOST or settings.EMAIL_FILE_PATH}"
    return Finding(figure=f"{len(lacks):,}" if lacks else "ok", text=text, tone="warn" if lacks else "good")


def check_backup_roles(now: datetime) -> Finding:
    """Check that each server has a role that can back everything up."""
    roles, without = set(), []
    for alias in connections:
        with connections[alias].cursor() as cursor:
            cursor.execute(_BACKUP_ROLES)
            found = {name for (name,) in cursor.fetchall()}
        roles |= found
        without += [] if found else [alias]
    if without:
        return Finding(figure="none", text=NO_BACKUP_ROLE.format(servers=", ".join(without)), tone="warn")
    return Finding(figure=f"{len(roles):,}", text=f"can read everything: {', '.join(sorted(roles))}", tone="good")


def check_links(now: datetime) -> Finding:
    """Check that every carrier that a current release calls has a link, and every link a carrier."""
    called: set[tuple[str, str]] = set()
    known: set[tuple[str, str]] = set()
    for code in Catalogue.objects.values_list("code", flat=True):
        try:
            definition = current(code).compiled.definition
        except NoRelease:
            continue
        known |= {(code, carrier.code) for carrier in definition.carriers}
        called |= {(code, carrier.code) for carrier in definition.carriers if carrier.link.mode != "manual"}
    if not known:
        raise NotChecked("no catalogue is published")
    linked = set(CarrierLink.objects.values_list("catalogue", "carrier"))
    lacks = sorted(f"{carrier} of {code} has no link" for code, carrier in called - linked)
    spare = sorted(f"{carrier} of {code} has a link and is in no release" for code, carrier in linked - known)
    wrong = [*lacks, *spare]
    if wrong:
        return Finding(figure=f"{len(wrong):,}", text="; ".join(wrong), tone="warn")
    return Finding(figure=f"{len(called):,}", text="carriers are called, and all have links", tone="good")


def repair_static() -> str:
    """Collect the static files."""
    call_command("collectstatic", interactive=False, verbosity=0)
    return "static files collected; restart the web processes"


def _of_messages(messages: Iterable[CheckMessage], words: str) -> Finding:
    """Return a finding about system checks: an error is bad, a warning warns."""
    found = [message for message in messages if not message.is_silenced()]
    if not found:
        return Finding(figure="ok", text=words, tone="good")
    tone = "bad" if any(message.is_serious() for message in found) else "warn"
    lines = [f"{message.msg} {message.hint or ''}".strip() + f" ({message.id})" for message in found]
    return Finding(figure=f"{len(found):,}", text=" ".join(lines), tone=tone)  # type: ignore[arg-type]


INSTALLATION_CHECKS: Final[Iterable[Check]] = tuple(
    Check(title=title, label=label, look=look, remedy=remedy, has_list=False, is_of_installation=True, repair=repair)
    for title, label, look, remedy, repair in (
        ("Settings", _TENANT, check_settings, "Correct the settings (docs/deploying.md), and start again.", None),
        (
            "Static files",
            _TENANT,
            check_static,
            "Run manage.py collectstatic --no-input, or doctor --repair, and restart the web processes.",
            repair_static,
        ),
        ("Database roles", _TENANT, check_roles, "Use the role of docs/deploying.md.", None),
        ("Encodings", _TENANT, check_encodings, "Create the database as in docs/deploying.md.", None),
        (
            "Connections",
            _TENANT,
            check_connections,
            "Raise max_connections, lower DATABASE_POOL_SIZE, or use a pooler (DATABASE_POOLER=1).",
            None,
        ),
        ("Migrations", _TENANT, check_migrations, "Run manage.py upgrade.", None),
        ("Redis memory", _TENANT, check_redis_memory, "Set maxmemory-policy to noeviction.", None),
        ("Mails", _TENANT, check_mails, "Set EMAIL_URL and PUBLIC_URL (docs/deploying.md).", None),
        (
            "Backup role",
            _TENANT,
            check_backup_roles,
            "Create the role of docs/backup.md and take dumps with it; the superuser and copies of the disk work too.",
            None,
        ),
        ("Links to carriers", _LINK, check_links, "Add or delete the links in the admin (docs/carriers.md).", None),
    )
)
