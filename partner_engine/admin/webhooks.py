"""Webhooks in the admin: endpoints, deliveries, and attempts, with commands to turn off, turn on, and replay."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin
from partner_engine.examinations.work import FAILING_ENDPOINTS
from tenants.access import Actor
from webhooks import endpoints
from webhooks.models import DeliveryState, DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint

_ENDPOINT_STATES = {"on": "success", "failing": "warning", "off": "danger"}
_DELIVERY_STATES = {"delivered": "success", "pending": "info", "failed": "danger"}


class WebhookRowsAdmin(BigTableAdmin):
    """The base class of both lists: the permission for commands."""

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may turn endpoints on and off and replay deliveries."""
        return bool(request.user.has_perm("webhooks.change_webhookendpoint"))


class EndpointStateFilter(admin.SimpleListFilter):
    """The list filter for endpoints that respond, fail, or were turned off by hand."""

    title = "state"
    parameter_name = "state"
    _states: ClassVar = {
        "on": Q(disabled_at=None, failures=0),
        "failing": FAILING_ENDPOINTS,
        "off": Q(disabled_reason=DisabledReason.BY_HAND),
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the states."""
        return [("on", "Responding"), ("failing", "Failing or given up"), ("off", "Turned off by hand")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` in the chosen state."""
        chosen = self._states.get(self.value() or "")
        return queryset.filter(chosen) if chosen is not None else queryset


@admin.register(WebhookEndpoint, site=site)
class WebhookEndpointAdmin(WithHistory, WebhookRowsAdmin):
    """Webhook endpoints without their secrets."""

    list_display = ("url", "endpoint_state", "failures", "failing_since", "paused_until", "tenant")
    list_filter = (EndpointStateFilter, "disabled_reason")
    search_fields = ("url", "description")
    ordering = ("-created_at",)
    sortable_by = ("url", "failures", "failing_since", "paused_until")
    heavy_fields: ClassVar = ("secret", "previous_secret")
    actions = ("switch_off", "switch_on")  # type: ignore[assignment]
    fields = (
        "url", "description", "event_types", "has_test_forms", "endpoint_state", "disabled_at", "disabled_reason",
        "failures", "failing_since", "last_failure_at", "paused_until", "previous_secret_until", "created_at",
        "created_by", "tenant",
    )  # fmt: skip
    readonly_fields = fields

    @display(description="State", label=_ENDPOINT_STATES)
    def endpoint_state(self, endpoint: WebhookEndpoint) -> str:
        """Return the state of the endpoint."""
        if endpoint.disabled_at:
            return "off"
        return "failing" if endpoint.failures else "on"

    @admin.action(description="Turn off", permissions=["manage"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Turn off the chosen endpoints."""
        self._switch(request, queryset, on=False)

    @admin.action(description="Turn on", permissions=["manage"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Turn on the chosen endpoints and send them the waiting events."""
        self._switch(request, queryset, on=True)

    def _switch(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint], *, on: bool) -> None:
        chosen = list(queryset)
        for endpoint in chosen:
            endpoints.switch(endpoint, on=on, actor=_actor(request))
        self.message_user(request, f"Turned {'on' if on else 'off'}: {len(chosen)}.", messages.SUCCESS)


class AttemptInline(TabularInline):
    """The attempts of one delivery."""

    model = WebhookAttempt
    fields = readonly_fields = ("number", "created_at", "status", "error", "duration", "excerpt")
    ordering = ("created_at",)
    extra = max_num = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to change attempts."""
        return False


@admin.register(WebhookDelivery, site=site)
class WebhookDeliveryAdmin(WebhookRowsAdmin):
    """Webhook deliveries, latest first."""

    list_display = ("event", "address", "delivery_state", "attempts", "next_attempt_at", "created_at", "tenant")
    list_filter = ("state",)
    list_select_related = ("endpoint", "payload")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at", "next_attempt_at")
    actions = ("replay",)  # type: ignore[assignment]
    inlines = (AttemptInline,)
    fields = (
        "event", "address", "delivery_state", "attempts", "next_attempt_at", "leased_until", "created_at",
        "finished_at", "body", "tenant",
    )  # fmt: skip
    readonly_fields = fields

    @display(description="Event")
    def event(self, delivery: WebhookDelivery) -> str:
        """Return the type of the event."""
        return delivery.payload.event_type

    @display(description="Address")
    def address(self, delivery: WebhookDelivery) -> str:
        """Return the URL of the endpoint."""
        return delivery.endpoint.url

    @display(description="State", label=_DELIVERY_STATES)
    def delivery_state(self, delivery: WebhookDelivery) -> str:
        """Return the state of the delivery."""
        return delivery.state

    @display(description="Body")
    def body(self, delivery: WebhookDelivery) -> str:
        """Return the body that is sent."""
        return delivery.payload.body

    @admin.action(description="Send again", permissions=["manage"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send the chosen deliveries again with the same ids."""
        sent = 0
        for delivery in queryset.exclude(state=DeliveryState.PENDING).select_related("endpoint"):
            if delivery.endpoint.disabled_at is None:
                sent += endpoints.replay(delivery.endpoint, actor=_actor(request), event_id=delivery.payload_id)
        self.message_user(request, f"Queued again: {sent}.", messages.SUCCESS)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
