"""The drafts of derived values, form rules, and lines of business."""

from __future__ import annotations

from django.contrib import admin

from catalogue.models import DerivedValue, FormRule, LineOfBusiness
from partner_engine.admin.drafts import DraftAdmin
from partner_engine.admin.site import site


@admin.register(DerivedValue, site=site)
class DerivedValueAdmin(DraftAdmin):
    """Derived values."""

    list_display = ("code", "label", "value", "catalogue", "position")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue",)
    search_fields = ("code", "label", "value")
    fields = (("catalogue", "position"), ("code", "label", "show"), "value")


@admin.register(FormRule, site=site)
class FormRuleAdmin(DraftAdmin):
    """Rules about the form itself."""

    list_display = ("code", "then", "at", "say", "when", "catalogue", "position")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue", "then", "shadow")
    search_fields = ("code", "say", "at", "when")
    fields = (("catalogue", "position"), ("code", "then", "at"), "when", "say", "shadow")


@admin.register(LineOfBusiness, site=site)
class LineOfBusinessAdmin(DraftAdmin):
    """Lines of business."""

    list_display = ("label", "code", "states", "industry", "catalogue", "position")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue",)
    search_fields = ("code", "label")
    fields = (("catalogue", "position"), ("code", "label"), "states", "industry")
