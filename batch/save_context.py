"""Builds the context of a save: moment, evaluation date and deciding release."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from zoneinfo import ZoneInfo

from django.utils import timezone
from structlog.contextvars import get_contextvars

from batch.changes.records import Loaded, Release, SaveContext
from batch.errors import UnknownCatalogue
from catalogue import releases
from catalogue.release_history import renames_between
from tenants.access import Actor
from tenants.models import Tenant

#: Returns the current release of a catalogue, by its code.
CurrentRelease: TypeAlias = Callable[[str], Release]


def save_context_for(
    loaded: Loaded, *, scope: Tenant, actor: Actor, current_release: CurrentRelease | None = None
) -> SaveContext:
    """Return the context of ``loaded``: of the time of the load, or of its own time for an earlier version.

    Many copies share a ``current_release`` that looks each catalogue up once. Raises ``UnknownCatalogue``.
    """
    now = loaded.copy.updated_at if loaded.is_past else loaded.now or timezone.now()
    release, saved_under = _release(loaded, scope, current_release), loaded.copy.release_id
    today = now.astimezone(ZoneInfo(scope.time_zone)).date()
    return SaveContext(
        tenant_id=scope.id,
        actor=actor,
        now=now,
        as_of=loaded.form.as_of or today,
        today=today,
        release=release,
        correlation_id=get_contextvars().get("correlation_id", ""),
        renames=() if saved_under in (None, release.id) else renames_between(saved_under, release.id),
    )


def _release(loaded: Loaded, scope: Tenant, current_release: CurrentRelease | None) -> Release:
    if loaded.is_past:
        assert loaded.copy.release_id is not None  # noqa: S101 - every revision has one
        return releases.get(loaded.copy.release_id)
    try:
        if current_release is not None:
            return current_release(loaded.form.catalogue)
        return releases.current(loaded.form.catalogue, tenant_id=scope.id)
    except releases.NoRelease as error:
        raise UnknownCatalogue(loaded.form.catalogue) from error
