"""The outbox: deferred actions that wait, with their ages. Read only; the relay works on them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from actions.models import OutboxAction
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, age

_LABELS = {"waiting": "info", "later": "default", "failing": "danger"}


class StandingFilter(admin.SimpleListFilter):
    """Narrows actions to those that are due, wait for later, or failed."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the standings."""
        return [("due", "Due"), ("later", "Later"), ("failing", "Failed at least once")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``queryset``."""
        now = timezone.now()
        narrowed: dict[str, dict[str, Any]] = {
            "due": {"next_attempt_at__lte": now},
            "later": {"next_attempt_at__gt": now},
            "failing": {"attempts__gt": 0},
        }
        return queryset.filter(**narrowed.get(self.value() or "", {}))


@admin.register(OutboxAction, site=site)
class OutboxActionAdmin(BigTableAdmin):
    """Deferred actions, those that are due longest first."""

    list_display = ("kind", "target", "standing", "waits", "attempts", "next_attempt_at", "version", "tenant")
    list_filter = (StandingFilter,)
    ordering = ("next_attempt_at",)
    heavy_fields: ClassVar = ("payload",)
    fields = (
        "kind", "target", "standing", "waits", "attempts", "next_attempt_at", "created_at", "copy", "version", "tenant",
        "payload_version", "correlation_id",
    )  # fmt: skip
    readonly_fields = fields

    @display(description="Standing", label=_LABELS)
    def standing(self, action: OutboxAction) -> str:
        """Return how the action stands."""
        if action.attempts:
            return "failing"
        return "waiting" if action.next_attempt_at <= timezone.now() else "later"

    @display(description="Age")
    def waits(self, action: OutboxAction) -> str:
        """Return how old the action is."""
        return age(action.created_at)

    @display(description="Copy")
    def copy(self, action: OutboxAction) -> str:
        """Return a link to the copy."""
        return copy_link(action.copy_id) if action.copy_id else "–"

    @display(description="Tenant")
    def tenant(self, action: Any) -> str:
        """Return the tenant's name."""
        if not hasattr(action, "tenant_name"):
            self.prepare([action])
        return str(action.tenant_name)
