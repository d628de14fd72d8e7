"""The outbox: deferred actions that wait, with their ages, and dead letters with their reasons, to be run again or
dropped. Nothing else of an action can be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin
from unfold.decorators import action as admin_action
from unfold.decorators import display

from actions.dead_letters import drop, requeue
from actions.models import ActionState, OutboxAction
from actions.registry import REGISTRY
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, age

_LABELS = {"waiting": "info", "running": "success", "failing": "warning", "dead": "danger", "needs upgrade": "default"}
PERMISSION: Final = "actions.requeue_action"
#: More than this are not done in one go.
MOST: Final = 500


class StandingFilter(admin.SimpleListFilter):
    """Narrows actions to those that are due, wait for later, are being run, failed or were given up."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the standings."""
        return [
            ("due", "Due"),
            ("later", "Later"),
            ("running", "Being run"),
            ("failing", "Failed, tried again"),
            ("dead", "Dead letters"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``queryset``."""
        waits = {"state": ActionState.WAITING}
        narrowed: dict[str, dict[str, Any]] = {
            "due": {**waits, "next_attempt_at__lte": Now()},
            "later": {**waits, "next_attempt_at__gt": Now()},
            "running": {**waits, "leased_until__gt": Now()},
            "failing": {**waits, "attempts__gt": 0, "last_error__gt": ""},
            "dead": {"state": ActionState.DEAD},
        }
        return queryset.filter(**narrowed.get(self.value() or "", {}))


@admin.register(OutboxAction, site=site)
class OutboxActionAdmin(BigTableAdmin):
    """Deferred actions, those that are due longest first."""

    list_display = ("kind", "target", "standing", "last_error", "waits", "attempts", "next_attempt_at", "tenant")
    list_filter = (StandingFilter,)
    ordering = ("next_attempt_at",)
    heavy_fields: ClassVar = ("payload",)
    actions = ("requeue_chosen", "drop_chosen")  # type: ignore[assignment]
    fields = (
        "kind", "target", "standing", "last_error", "waits", "attempts", "crashes", "next_attempt_at", "leased_until",
        "died_at", "created_at", "copy", "version", "tenant", "payload_version", "correlation_id",
    )  # fmt: skip
    readonly_fields = fields

    def has_requeue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the member of staff may run actions again and drop them."""
        return request.user.has_perm(PERMISSION)

    @admin_action(description="Run again now…", permissions=["requeue"])
    def requeue_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask, then let the chosen actions run again with a new budget."""
        return self._ask_or_do(request, queryset, verb="run again", do=requeue)

    @admin_action(description="Drop dead letters…", permissions=["requeue"])
    def drop_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask, then delete the chosen dead letters for good."""
        return self._ask_or_do(request, queryset, verb="drop", do=drop)

    def _ask_or_do(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        verb: str,
        do: Callable[[Iterable[UUID]], list[UUID]],
    ) -> HttpResponse | None:
        chosen = list(queryset.defer("payload")[:MOST])
        if "confirmed" not in request.POST:
            self.prepare(chosen)
            context = {
                **self.admin_site.each_context(request),
                "title": f"{verb.capitalize()} {len(chosen)} {'action' if len(chosen) == 1 else 'actions'}?",
                "verb": verb,
                "chosen": chosen,
                "action_name": request.POST["action"],
            }
            return render(request, "admin/actions/outboxaction/confirm.html", context)
        done = set(do([action.pk for action in chosen]))
        told = {"run again": "Let run again", "drop": "Dropped"}[verb]
        for action in chosen:
            if action.pk in done:
                self.log_change(request, action, f"{told}: {action}, after {action.attempts} attempts.")
        left = len(chosen) - len(done)
        text = f"{told}: {len(done)}." + (f" Left alone, for they stand otherwise by now: {left}." if left else "")
        self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)
        return None

    @display(description="Standing", label=_LABELS)
    def standing(self, action: OutboxAction) -> str:
        """Return how the action stands."""
        if action.state == ActionState.DEAD:
            return "dead"
        if not REGISTRY.understands(action.kind, action.payload_version):
            return "needs upgrade"
        if action.lease_token is not None:
            return "running"
        return "failing" if action.attempts else "waiting"

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
