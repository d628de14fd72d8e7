"""Operations over many forms in the admin: what runs, how far it is, what it cost; staff pause, resume and cancel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action as admin_action
from unfold.decorators import display

from operations.engine import orders
from operations.engine.status import OperationState, OperationStatus, computed
from operations.errors import OperationError
from operations.kinds.registry import KINDS
from operations.models import BatchOperation
from operations.wakeup import wake_workers
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, number
from tenants.access import Actor
from tenants.current_tenant import current_tenant, use_tenant
from tenants.models import Tenant

PERMISSION: Final = "operations.control_operation"
#: The colors of the agents' pages, as the admin names them.
_LABELS: Final = {
    OperationState.PENDING: "default",
    OperationState.IN_PROGRESS: "info",
    OperationState.PAUSED: "warning",
    OperationState.COMPLETED: "success",
    OperationState.PARTIAL: "warning",
    OperationState.CANCELLED: "default",
}


class OpenFilter(admin.SimpleListFilter):
    """The list filter for operations that are open, have ended, or have failed items."""

    title = "status"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("open", "Waiting or running"), ("paused", "Paused"), ("failed", "With failures"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` with the choice."""
        narrowed: dict[str, dict[str, Any]] = {
            "open": {"finished_at": None},
            "paused": {"finished_at": None, "paused_at__isnull": False},
            "failed": {"failed__gt": 0},
            "ended": {"finished_at__isnull": False},
        }
        return queryset.filter(**narrowed.get(self.value() or "", {}))


class KindFilter(admin.SimpleListFilter):
    """The list filter for operations of a kind."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the kinds by title."""
        return sorted(((code, kind.title) for code, kind in KINDS.items()), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the operations of the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(BatchOperation, site=site)
class BatchOperationAdmin(BigTableAdmin):
    """Operations, newest first."""

    empty_title = "No operations"
    empty_text = "Operations over many forms appear here when agents, API clients or staff submit them."

    list_display = (
        "what", "status", "progress", "failures", "by", "submitted", "took", "cost", "tenant", "short_id",
    )  # fmt: skip
    list_display_links = ("what", "short_id")
    list_filter = (OpenFilter, KindFilter, "is_dry_run", ("created_at", admin.DateFieldListFilter))
    ordering = ("-created_at", "-id")
    sortable_by = ("submitted",)
    heavy_fields: ClassVar = ("arguments", "query", "rejections")
    actions = ("pause_chosen", "resume_chosen", "cancel_chosen")  # type: ignore[assignment]
    fields = (
        "what", "status", "progress", "failures", "rejected", "by", "source", "took", "cost", "priority",
        "is_dry_run", "plan_hash", "depends_on", "undoes", "planned_by", "pause_reason", "stopped_reason",
        "created_at", "started_at", "paused_at", "cancelled_at", "finished_at", "tenant", "id", "correlation_id",
    )  # fmt: skip
    readonly_fields = fields

    def has_control_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may pause, resume and cancel operations."""
        return bool(request.user.has_perm(PERMISSION))

    @admin_action(description="Pause", permissions=["control"])
    def pause_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Pause the chosen operations until somebody resumes them."""
        self._order(request, queryset, "Paused", lambda found, by: orders.pause(found, actor=by, reason="By staff."))

    @admin_action(description="Resume", permissions=["control"])
    def resume_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let the chosen operations go on."""
        self._order(request, queryset, "Resumed", _resume)

    @admin_action(description="Cancel what is waiting", permissions=["control"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Cancel the items of the chosen operations that have not begun."""
        self._order(request, queryset, "Cancelled", lambda found, by: orders.cancel(found, actor=by))

    def _order(
        self, request: HttpRequest, queryset: QuerySet[Any], done: str, do: Callable[[BatchOperation, Actor], None]
    ) -> None:
        by = request.user.as_actor(source="admin")  # type: ignore[union-attr]
        number, reasons = 0, []
        for operation in queryset.defer(*self.heavy_fields):
            with use_tenant(Tenant.objects.get(pk=operation.tenant_id)):
                try:
                    do(operation, by)
                except OperationError as refused:
                    reasons.append(str(refused))
                    continue
            self.log_change(request, operation, f"{done}: {operation}.")
            number += 1
        text = " ".join([f"{done}: {number}.", *dict.fromkeys(reasons)])
        self.message_user(request, text, messages.SUCCESS if number else messages.WARNING)

    @display(description="Operation")
    def what(self, operation: BatchOperation) -> str:
        """Return what the operation does."""
        kind = KINDS.get(operation.kind)
        title = operation.title or (kind.title if kind else operation.kind)
        return f"{title} (tried without saving)" if operation.is_dry_run else title

    @display(description="Status", label=_LABELS)
    def status(self, operation: BatchOperation) -> tuple[str, str]:
        """Return the state in the words and colors of the agents' pages."""
        status = self._status(operation)
        return status.state, status.stage

    @display(description="Progress")
    def progress(self, operation: BatchOperation) -> SafeString:
        """Return how many forms are done, as the agents' pages count them."""
        status = self._status(operation)
        forms = "form" if status.total == 1 else "forms"
        return number(f"{status.ended:,} of {status.total:,} {forms} ({status.progress_percent:.1f}%)")

    @display(description="Failed")
    def failures(self, operation: BatchOperation) -> SafeString:
        """Return the number of failed items."""
        return number(self._status(operation).failed)

    @display(description="By")
    def by(self, operation: BatchOperation) -> str:
        """Return who submitted it."""
        return operation.created_by_label or f"{operation.created_by_type} {operation.created_by_id}"

    @display(description="Took")
    def took(self, operation: BatchOperation) -> SafeString:
        """Return the time from its start until its end or now."""
        if operation.started_at is None:
            return number("–")
        seconds = ((operation.finished_at or timezone.now()) - operation.started_at).total_seconds()
        return number(f"{seconds:,.1f} s")

    @display(description="Cost")
    def cost(self, operation: BatchOperation) -> str:
        """Return the time of its work, that in the database, and its calls to carriers."""
        calls = f", {operation.carrier_calls:,} calls" if operation.carrier_calls else ""
        return f"{operation.work_seconds:,.1f} s, {operation.database_seconds:,.1f} s in the database{calls}"

    @display(description="Submitted", ordering="created_at")
    def submitted(self, operation: BatchOperation) -> datetime:
        """Return when it was submitted."""
        return operation.created_at

    def _status(self, operation: BatchOperation) -> OperationStatus:
        return computed(operation, in_progress=0, now=None)


def _resume(operation: BatchOperation, by: Actor) -> None:
    orders.resume(operation, actor=by)
    wake_workers(current_tenant().database_alias)
