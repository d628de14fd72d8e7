"""Rate limits: a row per scope, and own rows of tenants and API clients. A change holds within a few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import structlog
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from tenants.limit_models import LimitNumbers
from tenants.limits.scopes import DAY, HOUR, MINUTE, SCOPES
from tenants.models import OwnRateLimit, RateLimit

logger = structlog.get_logger(__name__)

#: The fields of a limit and their names in the history.
_LABELS: Final = {
    "is_on": "switched on",
    "amount": "amount",
    "window": "window in seconds",
    "per_address": "per address",
    "note": "note",
}
_NUMBERS: Final = ("is_on", ("amount", "window"), "per_address", "note")
_UNITS: Final = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second"))


class _LimitAdmin(WithHistory, ModelAdmin):
    """What both kinds of rows share: their columns, and a history that states each number."""

    actions = None
    warn_unsaved_form = True

    @display(description="What counts")
    def text(self, row: RateLimit | OwnRateLimit) -> str:
        """Return what the product counts in the scope."""
        known = SCOPES.get(row.scope)
        return known.text if known else "Nothing counts in this scope."

    @display(description="Limit")
    def limit_text(self, row: LimitNumbers) -> str:
        """Return the limit in words."""
        return shown_limit(row)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note the numbers before the change, for its history."""
        request.limit_before = type(obj).objects.filter(pk=obj.pk).first() if change else None  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        """Return the numbers that changed as the text of the history, and log them for the audit."""
        row = form.instance
        changes = list(_changes(request.limit_before, row))  # type: ignore[attr-defined]
        logger.info(
            "audit.rate_limit_changed",
            scope=row.scope,
            of=_owner_of(row),
            # A note is free text and stays in the admin.
            changes=[text for text in changes if not text.startswith("note")],
            actor_id=str(request.user.pk),
            source="admin",
        )
        return "; ".join(changes) or "No number changed."


@admin.register(RateLimit, site=site)
class RateLimitAdmin(_LimitAdmin):
    """The limits of all callers. Their scopes are part of the product: rows are neither added nor deleted."""

    list_display = ("scope", "text", "limit_text", "per_address", "default", "modified")
    search_fields = ("scope", "note")
    ordering = ("scope",)
    fields = ("scope", "text", "default", *_NUMBERS)
    readonly_fields = ("scope", "text", "default")

    def get_fields(self, request: HttpRequest, obj: RateLimit | None = None) -> Any:
        """Return the fields; a limit of how many there are at the same time has neither window nor addresses."""
        known = SCOPES.get(obj.scope) if obj else None
        at_once = ("scope", "text", "default", "is_on", "amount", "note")
        return at_once if known and known.at_once else super().get_fields(request, obj)

    @display(description="Default")
    def default(self, row: RateLimit) -> str:
        """Return the limit with which the scope came."""
        known = SCOPES.get(row.scope)
        return _shown_amount(known.default.amount, known.default.window, scope=row.scope) if known else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: each scope has its row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a scope is switched off, and not deleted."""
        return False


class OwnRateLimitForm(forms.ModelForm):
    """The form of an own limit, with the scopes to choose from."""

    scope = forms.ChoiceField(
        choices=[(scope.name, f"{scope.name}: {scope.text}") for scope in SCOPES.values()],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = OwnRateLimit
        fields = ("scope", "tenant", "api_client", "is_on", "amount", "window", "per_address", "note")


@admin.register(OwnRateLimit, site=site)
class OwnRateLimitAdmin(_LimitAdmin):
    """The limits of single tenants and API clients, which replace those of all callers."""

    form = OwnRateLimitForm
    list_display = ("scope", "tenant", "api_client", "limit_text", "per_address", "modified")
    list_select_related = ("tenant", "api_client")
    list_filter = ("scope",)
    search_fields = ("scope", "tenant__name", "api_client__name", "note")
    autocomplete_fields = ("tenant", "api_client")
    ordering = ("scope", "pk")
    fields = ("scope", "tenant", "api_client", *_NUMBERS)


def shown_window(seconds: int) -> str:
    """Return a window in words, such as ``15 minutes``."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds % unit == 0)
    number = seconds // unit
    return name if number == 1 else f"{number} {name}s"


def shown_limit(row: LimitNumbers) -> str:
    """Return a limit in words, such as ``5 per 15 minutes`` or ``20 at the same time``."""
    scope: str = getattr(row, "scope", "")
    return _shown_amount(row.amount, row.window, scope=scope) if row.is_on else "off"


def _shown_amount(amount: int, window: int, *, scope: str) -> str:
    known = SCOPES.get(scope)
    return f"{amount:,} at the same time" if known and known.at_once else f"{amount:,} per {shown_window(window)}"


def _owner_of(row: RateLimit | OwnRateLimit) -> str:
    if isinstance(row, RateLimit):
        return "all"
    return f"tenant:{row.tenant_id}" if row.tenant_id else f"api_client:{row.api_client_id}"


def _changes(before: LimitNumbers | None, after: LimitNumbers) -> Iterator[str]:
    """Yield the fields that differ, with both values."""
    if before is None:
        yield f"added: {shown_limit(after)}"
        return
    for field, label in _LABELS.items():
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield f"{label}: {_shown(was)} to {_shown(now)}"


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
