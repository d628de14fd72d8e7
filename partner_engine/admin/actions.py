"""The outbox in the admin: waiting actions with their age, and dead letters with their last error.

Staff can run actions again or drop dead letters. Nothing else of an action can be changed.
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
from partner_engine.admin.viewing import BigTableAdmin
from partner_engine.ages import age

_LABELS = {"waiting": "info", "running": "success", "failing": "warning", "dead": "danger", "needs upgrade": "default"}
PERMISSION: Final = "actions.requeue_action"
#: The largest number of actions that one command changes.
MOST: Final = 500


class ActionStateFilter(admin.SimpleListFilter):
    """The list filter for due, later, running, failing, and dead actions."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the states."""
        return [
            ("due", "Due"),
            ("later", "Later"),
            ("running", "Being run"),
            ("failing", "Failed, will be tried again"),
            ("dead", "Dead letters"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` in the chosen state."""
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
    """Deferred actions, longest due first."""

    empty_title = "Nothing is waiting"
    empty_text = "Every deferred action has been done. Actions appear here by themselves while they wait or fail."

    list_display = ("kind", "target", "action_state", "last_error", "waits", "attempts", "next_attempt_at", "tenant")
    list_filter = (ActionStateFilter,)
    ordering = ("next_attempt_at",)
    sortable_by = ("next_attempt_at",)
    heavy_fields: ClassVar = ("payload",)
    actions = ("requeue_chosen", "drop_chosen")  # type: ignore[assignment]
    fields = (
        "kind", "target", "action_state", "last_error", "waits", "attempts", "crashes", "next_attempt_at",
        "leased_until", "died_at", "created_at", "copy", "version", "tenant", "payload_version", "correlation_id",
    )  # fmt: skip
    readonly_fields = fields

    def has_requeue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may run actions again and drop them."""
        return request.user.has_perm(PERMISSION)

    @admin_action(description="Run again now…", permissions=["requeue"])
    def requeue_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for confirmation, then queue the chosen actions again with all attempts."""
        return self._confirm_or_execute(request, queryset, verb="run again", do=requeue)

    @admin_action(description="Drop dead letters…", permissions=["requeue"])
    def drop_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for confirmation, then delete the chosen dead letters."""
        return self._confirm_or_execute(request, queryset, verb="drop", do=drop)

    def _confirm_or_execute(
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
                "title": _question(verb, len(chosen)),
                "verb": verb,
                "chosen": chosen,
                "action_name": request.POST["action"],
            }
            return render(request, "admin/actions/outboxaction/confirm.html", context)
        done = set(do([action.pk for action in chosen]))
        result = {"run again": "Queued again", "drop": "Dropped"}[verb]
        for action in chosen:
            if action.pk in done:
                self.log_change(request, action, f"{result}: {action}, after {action.attempts} attempts.")
        left = len(chosen) - len(done)
        text = f"{result}: {len(done)}." + (f" Unchanged, because their state has changed: {left}." if left else "")
        self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)
        return None

    @display(description="State", label=_LABELS)
    def action_state(self, action: OutboxAction) -> str:
        """Return the state of the action."""
        if action.state == ActionState.DEAD:
            return "dead"
        if not REGISTRY.understands(action.kind, action.payload_version):
            return "needs upgrade"
        if action.lease_token is not None:
            return "running"
        return "failing" if action.attempts else "waiting"

    @display(description="Age")
    def waits(self, action: OutboxAction) -> str:
        """Return the age of the action."""
        return age(action.created_at)

    @display(description="Copy")
    def copy(self, action: OutboxAction) -> str:
        """Return a link to the copy."""
        return copy_link(action.copy_id) if action.copy_id else "–"


def _question(verb: str, amount: int) -> str:
    """Return the confirmation page's title for ``verb`` on ``amount`` actions."""
    actions = "1 action" if amount == 1 else f"{amount} actions"
    return f"Run {actions} again?" if verb == "run again" else f"{verb.capitalize()} {actions}?"
