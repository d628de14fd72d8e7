"""Declinations in the admin: filters, and a signed export of chosen records."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from forms.models import Declination
from partner_engine.admin.copy_rows import LineFilter, OfCopyAdmin, ProductFilter
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.decline_files import FILE_HEADERS
from presentation.state_words import DECLINE_ACTS
from quoting.decline_exports import export_records
from tenants.models import User


class ConditionFilter(admin.SimpleListFilter):
    """The list filter for records whose surplus lines condition was met, or was not."""

    title = "condition"
    parameter_name = "condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both states."""
        return [("met", "Met"), ("not-met", "Not met")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` with the chosen state."""
        is_met = Q(surplus__is_met=True)
        narrowed = {"met": is_met, "not-met": ~is_met}.get(self.value() or "")
        return queryset.filter(narrowed) if narrowed is not None else queryset


@admin.register(Declination, site=site)
class DeclinationAdmin(OfCopyAdmin):
    """The records that admitted carriers declined when somebody acted on a surplus product."""

    empty_title = "No declinations"
    empty_text = "A record is written when somebody requests a quote of a surplus lines product, or acts on it."

    list_display = (
        "insured", "product_name", "line_label", "act_word", "condition", "by", "created", "tenant", "short_id",
    )  # fmt: skip
    list_filter = ("act", ConditionFilter, LineFilter, ProductFilter, ("created_at", admin.DateFieldListFilter))
    # Ids are sortable by time.
    ordering = ("-id",)
    sortable_by = ("created",)
    actions = ("export",)  # type: ignore[assignment]
    fields = (
        "insured", "product_name", "line_label", "act", "by", "copy", "version", "release_id", "as_of", "states",
        "tenant", "declined", "words", "condition", "requirement", "disclosures", "created_at",
    )  # fmt: skip
    readonly_fields = fields
    heavy_fields: ClassVar = ("declines", "inputs", "carriers", "tags")

    @display(description="Act")
    def act_word(self, declination: Declination) -> str:
        """Return the act in the words of the agents' pages."""
        return DECLINE_ACTS.get(declination.act, declination.act)

    @display(description="By")
    def by(self, declination: Declination) -> str:
        """Return who acted."""
        return declination.actor_label or f"{declination.actor_type} {declination.actor_id}"

    @display(description="Recorded", ordering="pk")
    def created(self, declination: Declination) -> datetime:
        """Return when the record was written; ids are sortable by time."""
        return declination.created_at

    @display(description="Copy")
    def copy(self, declination: Declination) -> SafeString:
        """Return a link to the copy."""
        return copy_link(declination.copy_id)

    @display(description="Condition", label={"met": "success", "not met": "warning"})
    def condition(self, declination: Declination) -> str:
        """Return whether the surplus lines condition was met."""
        return "met" if declination.surplus.get("is_met") else "not met"

    @display(description="Requirement")
    def requirement(self, declination: Declination) -> str:
        """Return what the surplus lines rules required, and their ids."""
        rules = ", ".join(rule["id"] for rule in declination.surplus.get("rules", ()))
        return f"{declination.surplus.get('requirement', '')}{f' ({rules})' if rules else ''}"

    @display(description="Disclosures")
    def disclosures(self, declination: Declination) -> str:
        """Return the texts that had to be shown."""
        return "\n".join(declination.surplus.get("disclosures", ())) or "–"

    @display(description="Admitted products that declined")
    def declined(self, declination: Declination) -> SafeString:
        """Return each admitted product with its reasons."""
        rows = [(product, _reasons(reasons)) for product, reasons in declination.declines.items()]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))

    @display(description="Declined by the carrier")
    def words(self, declination: Declination) -> SafeString:
        """Return each product that its carrier declined itself, in the carrier's words."""
        rows = [(product, found.get("text", "")) for product, found in declination.carriers.items()]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows)) if rows else SafeString("–")

    @admin.action(description="Export signed file")
    def export(self, request: HttpRequest, queryset: QuerySet[Declination]) -> HttpResponse:
        """Return the chosen records as a signed file, without personal values."""
        assert isinstance(request.user, User)  # noqa: S101 - the site admits nobody else
        rows = list(queryset.defer(None).order_by("id"))
        content = export_records(rows, actor=request.user.as_actor(source="admin"))
        return HttpResponse(content, content_type="application/json", headers=FILE_HEADERS)


def _reasons(reasons: list[dict[str, Any]]) -> str:
    return "; ".join(f"{reason['text']} ({reason['rule']})" for reason in reasons)
