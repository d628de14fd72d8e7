"""Quote requests in the admin: state, reason and attempts, read-only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from forms.models import QuoteRequest
from partner_engine.admin.copy_rows import CarrierFilter, OfCopyAdmin, ProductFilter
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from presentation.state_words import QUOTE_STATES

#: The admin's labels of the colors of the agents' pages.
_TONES = {"eligible": "success", "bound": "success", "so-far": "info", "refer": "warning", "needed": "warning"}
_TONES |= {"decline": "danger", "": "default"}


class QuoteStateFilter(admin.SimpleListFilter):
    """The list filter for quote requests in a state."""

    title = "status"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the states with the words of the agents' pages."""
        return [(state, word) for state, (word, _) in QUOTE_STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the requests in the chosen state."""
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(QuoteRequest, site=site)
class QuoteRequestAdmin(OfCopyAdmin):
    """Quote requests, last changed first. Premiums and what was sent are on the agents' pages."""

    empty_title = "No quotes"
    empty_text = "Quotes appear here when an agent requests them."

    list_display = (
        "insured", "product_name", "status", "failure", "attempts", "updated_at", "copy", "tenant", "short_id",
    )  # fmt: skip
    list_filter = (QuoteStateFilter, CarrierFilter, ProductFilter)
    ordering = ("-updated_at", "-id")
    sortable_by = ("updated_at",)
    heavy_fields: ClassVar = ("asked", "changes", "reasons", "details")
    fields = (
        "insured", "product_name", "carrier", "status", "failure", "attempts", "next_attempt_at", "submitted_at",
        "answered_at", "valid_until", "copy", "asked_version", "carrier_reference", "created_at", "updated_at",
        "tenant",
    )  # fmt: skip
    readonly_fields = fields

    @display(description="Status", label=_TONES)
    def status(self, quote: QuoteRequest) -> tuple[str, str]:
        """Return the state in the words and colors of the agents' pages."""
        word, tone = QUOTE_STATES.get(quote.state, (quote.state, ""))
        return tone, word

    @display(description="Failed because")
    def failure(self, quote: QuoteRequest) -> str:
        """Return why the request failed; the reasons of carriers' decisions are on the agents' pages."""
        return quote.reason if quote.state == QuoteRequest.State.FAILED else "–"

    @display(description="Form")
    def copy(self, quote: QuoteRequest) -> SafeString:
        """Return a link to the copy."""
        return copy_link(quote.copy_id)
