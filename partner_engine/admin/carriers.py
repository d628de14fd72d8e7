"""The drafts of carriers, their products with rates and appetite rules, and rate tables."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from carriers.models import (
    Carrier,
    CarrierProduct,
    PayloadField,
    ProductRule,
    RateEntry,
    RateFactor,
    RateTable,
    RateTerm,
    SurplusRule,
)
from partner_engine.admin.drafts import CheckedForm, DraftAdmin, DraftBlocks, DraftRows, InCatalogueForm, ProductForm
from partner_engine.admin.forms import CatalogueFilter
from partner_engine.admin.site import site


@admin.register(Carrier, site=site)
class CarrierAdmin(DraftAdmin):
    """Carriers with the settings of their links."""

    form = InCatalogueForm
    list_display = ("name", "code", "admitted", "link_mode", "catalogue", "position")
    list_display_links = ("name", "code")
    list_filter = (CatalogueFilter, "admitted", "link_mode")
    search_fields = ("code", "name")
    fieldsets = (
        (None, {"fields": (("catalogue", "position"), ("code", "name"), "admitted")}),
        (
            "Link",
            {
                "fields": (
                    "link_mode",
                    ("p50_seconds", "p95_seconds"),
                    ("fail_percent", "per_minute"),
                    "real_time",
                    "quirk",
                )
            },
        ),
    )


class TermRows(DraftRows):
    """The premium terms of a product."""

    model = RateTerm
    form = CheckedForm
    fields = ("rate", "per", "of", "label", "position")


class TableRows(DraftRows):
    """The rate tables of a product. Their rates have a page of their own."""

    model = RateTable
    form = CheckedForm
    fields = ("pool", "rate_by", "amount", "per", "times", "reason", "label", "position")
    show_change_link = True


class FactorRows(DraftRows):
    """The premium factors of a product."""

    model = RateFactor
    form = CheckedForm
    fields = ("code", "when", "times", "label", "position")


class RuleBlocks(DraftBlocks):
    """The appetite rules of a product."""

    model = ProductRule
    form = CheckedForm
    fields = (("code", "then"), "when", "why", "set", "shadow", "position")


class PayloadRows(DraftRows):
    """The fields that a product's carrier is sent."""

    model = PayloadField
    form = CheckedForm
    fields = ("purpose", "name", "value", "pool", "position")
    verbose_name = "field sent to the carrier"
    verbose_name_plural = "fields sent to the carrier"


@admin.register(CarrierProduct, site=site)
class CarrierProductAdmin(DraftAdmin):
    """Products with their rates and rules."""

    form = ProductForm
    list_display = ("code", "carrier", "line", "label", "rate_type", "least", "catalogue", "position")
    list_select_related = ("carrier",)
    list_filter = (CatalogueFilter, "carrier", "rate_type")
    search_fields = ("code", "label", "carrier__name")
    inlines = (RuleBlocks, TermRows, TableRows, FactorRows, PayloadRows)
    fieldsets = (
        (None, {"fields": (("catalogue", "carrier", "line"), ("code", "label", "position"))}),
        ("Where and to whom", {"fields": ("states", "industries")}),
        ("Rating", {"fields": (("rate_type", "minimum"),)}),
        ("Quotes", {"fields": ("asked",)}),
    )

    @display(description="Minimum premium", ordering="minimum")
    def least(self, product: CarrierProduct) -> str:
        """Return the minimum premium without trailing zeros."""
        return f"{product.minimum.normalize():f}"


class EntryRows(DraftRows):
    """The rates of a table."""

    model = RateEntry
    fields = ("code", "rate", "position")


@admin.register(RateTable, site=site)
class RateTableAdmin(DraftAdmin):
    """Rate tables with their rates."""

    form = CheckedForm
    list_display = ("product", "pool", "rate_by", "amount", "per", "times")
    list_select_related = ("product",)
    search_fields = ("product__code", "pool", "rate_by")
    autocomplete_fields = ("product",)
    inlines = (EntryRows,)
    fields = (("product", "position"), ("pool", "reason"), "rate_by", ("amount", "per"), "times", "label")


@admin.register(SurplusRule, site=site)
class SurplusRuleAdmin(DraftAdmin):
    """Surplus lines rules by state and time."""

    form = InCatalogueForm
    list_display = ("code", "states", "lines", "since", "until", "needs", "catalogue", "position")
    list_filter = (CatalogueFilter, "needs")
    search_fields = ("code", "disclosure")
    fieldsets = (
        (None, {"fields": (("catalogue", "code", "position"), ("states", "lines"), ("since", "until"))}),
        ("Rule", {"fields": (("needs", "declines"), "disclosure")}),
    )
