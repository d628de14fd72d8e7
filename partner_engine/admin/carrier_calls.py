"""The traffic log of carriers in the admin: requests with their results, latest first, by carrier, form and result."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from carriers.models import CarrierCall, CarrierLink
from copies.models import Copy
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, is_id

_RESULTS = {
    "success": "success", "refused": "info", "busy": "warning", "unreachable": "danger", "unknown": "danger",
    "unreadable": "danger", "no_token": "danger",
}  # fmt: skip


class CarrierFilter(admin.SimpleListFilter):
    """The list filter for one carrier."""

    title = "carrier"
    parameter_name = "carrier"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the carriers with links. The log itself is too large to collect them."""
        codes = CarrierLink.objects.order_by("carrier").values_list("carrier", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the calls of the chosen carrier."""
        return queryset.filter(carrier=self.value()) if self.value() else queryset


class ResultFilter(admin.SimpleListFilter):
    """The list filter for calls by their result."""

    title = "result"
    parameter_name = "result"
    _ranges: ClassVar = {
        "success": Q(error=""),
        "failed": ~Q(error=""),
        "refused": Q(status__gte=400, status__lt=500),
        "server": Q(status__gte=500),
        "silent": Q(status=None),
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the results."""
        return [
            ("success", "Successful"),
            ("failed", "Not successful"),
            ("refused", "Refused by the carrier (4xx)"),
            ("server", "Failed at the carrier (5xx)"),
            ("silent", "Without a response"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the calls with the chosen result."""
        chosen = self._ranges.get(self.value() or "")
        return queryset.filter(chosen) if chosen is not None else queryset


@admin.register(CarrierCall, site=site)
class CarrierCallAdmin(BigTableAdmin):
    """Requests to carriers, latest first."""

    list_display = ("created_at", "carrier", "operation", "result", "milliseconds", "copy", "tenant")
    list_filter = (CarrierFilter, ResultFilter, "operation")
    search_fields = ("correlation_id",)
    search_help_text = "The ID of a form, a copy, a quote request, or a correlation ID."
    ordering = ("-created_at", "-id")
    heavy_fields: ClassVar = ("body", "reply")
    fields = (
        "created_at", "carrier", "catalogue", "operation", "result", "detail", "milliseconds", "copy", "request_id",
        "correlation_id", "tenant", "sent", "received",
    )  # fmt: skip
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the calls of a form, a copy or a quote request, or with a correlation id, all exact."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not is_id(term):
            return queryset.filter(correlation_id=term), False
        copies = Copy.objects.filter(application_form_id=term).values("pk")
        chosen = Q(copy_id=term) | Q(copy_id__in=copies) | Q(request_id=term) | Q(correlation_id=term)
        return queryset.filter(chosen), False

    @display(description="Result", label=_RESULTS)
    def result(self, call: CarrierCall) -> tuple[str, str]:
        """Return the status, and the reason of a failure."""
        reason = call.error.replace("_", " ")
        return call.error or "success", " ".join(filter(None, (str(call.status or ""), reason))) or "success"

    @display(description="Duration")
    def milliseconds(self, call: CarrierCall) -> str:
        """Return the duration."""
        return f"{call.duration:,} ms"

    @display(description="Form")
    def copy(self, call: CarrierCall) -> SafeString | str:
        """Return a link to the copy of the form."""
        return copy_link(call.copy_id) if call.copy_id else "–"

    @display(description="Request")
    def sent(self, call: CarrierCall) -> SafeString | str:
        """Return the request as it is logged, with personal values masked."""
        return _as_code(call.body)

    @display(description="Response")
    def received(self, call: CarrierCall) -> SafeString | str:
        """Return the logged fields of the response."""
        return _as_code(call.reply)


def _as_code(value: Any) -> SafeString | str:
    return format_html('<pre class="staff-json">{}</pre>', json.dumps(value, indent=2)) if value else "–"
