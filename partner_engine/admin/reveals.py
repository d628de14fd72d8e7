"""The ledger of revealed sensitive answers in the admin: searched and filtered, never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from copies.models import Copy, SensitiveReveal
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, is_id

#: The words of a search in the ledger.
MOST_WORDS: Final = 8


class PeriodFilter(admin.SimpleListFilter):
    """The list filter for rows of the last days."""

    title = "time"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the periods, in days."""
        return [("1", "Last 24 hours"), ("7", "Last 7 days"), ("30", "Last 30 days"), ("365", "Last 12 months")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` in the chosen period."""
        days = self.value() or ""
        if not (days.isdecimal() and len(days) < 5):
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - timedelta(days=int(days)))


@admin.register(SensitiveReveal, site=site)
class SensitiveRevealAdmin(BigTableAdmin):
    """The ledger of revealed sensitive answers."""

    list_display = ("created_at", "actor", "path", "purpose", "copy", "reason", "tenant")
    list_filter = ("purpose", "source", PeriodFilter)
    ordering = ("-id",)
    search_fields = ("reason",)
    search_help_text = "A copy ID or form ID, a question's code, or words from the reason or the reader's name"
    fields = (
        "created_at", "actor", "source", "path", "purpose", "copy", "version", "reason", "tenant", "correlation_id",
    )  # fmt: skip
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the reveals of a copy or form; else those in which each word is in path, reason or reader's name."""
        if is_id(search_term):
            copies = Copy.objects.filter(application_form_id=search_term).values("pk")
            return queryset.filter(Q(copy_id=search_term) | Q(copy_id__in=copies)), False
        for word in search_term.split()[:MOST_WORDS]:
            queryset = queryset.filter(
                Q(actor_label__icontains=word) | Q(path__icontains=word) | Q(reason__icontains=word)
            )
        return queryset, False

    @display(description="Who")
    def actor(self, row: SensitiveReveal) -> str:
        """Return the name of the person who revealed the answer."""
        return row.actor_label or f"{row.actor_type} {row.actor_id}"

    @display(description="Copy")
    def copy(self, row: SensitiveReveal) -> str:
        """Return a link to the copy."""
        return copy_link(row.copy_id)
