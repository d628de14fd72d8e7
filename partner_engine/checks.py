"""System checks of an installation: what is set wrong, and what production must not have. Ids ``partner_engine.E###``."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from tenants.access import Right

_LEAST_SECRET = 50


def check_servers(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Check what must be right everywhere."""
    faults: list[CheckMessage] = []
    for alias, database in settings.DATABASES.items():
        if not database.get("NAME"):
            faults.append(Error(f"The URL of database {alias!r} names no database.", hint="Write postgres://user:password@host:port/name.", id="partner_engine.E001"))  # fmt: skip
    if not settings.REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
        faults.append(Error("REDIS_URL is no Redis URL.", hint="Write redis://host:port/number.", id="partner_engine.E002"))
    faults += [
        Error(f"Master key {key_id!r} in KEYRING is not 32 bytes in base64.", hint="Make one with: openssl rand -base64 32", id="partner_engine.E003")
        for key_id, text in settings.KEYRING.items()
        if not _is_key(text)
    ]  # fmt: skip
    if len({right.value for right in Right}) != len(Right):
        faults.append(Error("Two rights have one name.", id="partner_engine.E004"))
    return faults


def check_production(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Check what production must not have; part of ``check --deploy`` and of starting the web server with DEBUG off."""
    faults: list[CheckMessage] = []
    if settings.DEBUG:
        faults.append(Error("DEBUG is on.", hint="Set DEBUG=0.", id="partner_engine.E010"))
    if settings.SECRET_KEY == settings.DEVELOPMENT_SECRET or len(settings.SECRET_KEY) < _LEAST_SECRET:
        faults.append(Error("SECRET_KEY is the development one, or short.", hint="Set SECRET_KEY to at least 50 random characters.", id="partner_engine.E011"))  # fmt: skip
    if settings.KEYRING == settings.DEVELOPMENT_KEYRING:
        faults.append(Error("KEYRING is the development one.", hint='Set KEYRING={"2026-01": "<openssl rand -base64 32>"}.', id="partner_engine.E012"))  # fmt: skip
    if settings.DEMO:
        faults.append(Error("DEMO is on: known passwords could sign in.", hint="Unset DEMO.", id="partner_engine.E013"))
    if "*" in settings.ALLOWED_HOSTS:
        faults.append(Error("ALLOWED_HOSTS allows every host.", hint="Name the hosts.", id="partner_engine.E014"))
    return faults


def _is_key(text: object) -> bool:
    try:
        return isinstance(text, str) and len(base64.b64decode(text, validate=True)) == 32
    except binascii.Error:
        return False
