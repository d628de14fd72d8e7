"""The drafts of question sets, questions, and choice lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from catalogue.models import Choice, ChoiceList, Question, QuestionSet
from partner_engine.admin.drafts import DraftAdmin, DraftBlocks, DraftRows
from partner_engine.admin.site import site

_QUESTION_FIELDS = (
    ("code", "type", "required"),
    "label",
    ("choices", "sensitivity", "indexed"),
    "when",
    ("validate", "products"),
    ("quote_when", "bind_when"),
    ("valid_for", "renews_by"),
    "help",
    ("width", "below"),
    ("address", "same_as"),
    ("was", "position"),
)


class QuestionBlocks(DraftBlocks):
    """The questions of a set."""

    model = Question
    fields = _QUESTION_FIELDS

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the choice lists of the set's own catalogue."""
        if (
            db_field.name == "choices"
            and request.resolver_match
            and (pk := request.resolver_match.kwargs.get("object_id"))
        ):
            options["queryset"] = (
                ChoiceList.objects.filter(catalogue__question_sets__pk=pk)
                if str(pk).isdecimal()
                else ChoiceList.objects.none()
            )
        return super().formfield_for_foreignkey(db_field, request, **options)


@admin.register(QuestionSet, site=site)
class QuestionSetAdmin(DraftAdmin):
    """Question sets. Sets with a pool are asked once per row."""

    list_display = ("title", "code", "pool_code", "pool_parent", "when", "question_count", "catalogue", "position")
    list_display_links = ("title", "code")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue",)
    search_fields = ("code", "title", "pool_code")
    inlines = (QuestionBlocks,)
    fieldsets = (
        (None, {"fields": (("catalogue", "position"), ("code", "title"), ("when", "was"), "same_as_label")}),
        (
            "Pool",
            {
                "fields": (
                    ("pool_code", "pool_parent"),
                    ("pool_noun", "pool_was"),
                    ("pool_min", "pool_max"),
                    "pool_key",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuestionSet]:
        """Return the sets with the number of their questions."""
        return super().get_queryset(request).annotate(question_count=Count("questions"))

    @display(description="Questions", ordering="question_count")
    def question_count(self, question_set: Any) -> int:
        """Return the number of questions in the set."""
        return int(question_set.question_count)


@admin.register(Question, site=site)
class QuestionAdmin(DraftAdmin):
    """The questions of all sets, searchable by code and label."""

    list_display = ("label", "code", "type", "required", "sensitivity", "question_set", "catalogue")
    list_display_links = ("label", "code")
    list_select_related = ("question_set", "catalogue")
    list_filter = ("catalogue", "type", "required", "sensitivity")
    search_fields = ("code", "label")
    autocomplete_fields = ("question_set", "choices")
    fields = ("question_set", *_QUESTION_FIELDS)


class ChoiceRows(DraftRows):
    """The choices of a list."""

    model = Choice
    fields = ("code", "label", "was", "position")


@admin.register(ChoiceList, site=site)
class ChoiceListAdmin(DraftAdmin):
    """Choice lists."""

    list_display = ("code", "choice_count", "catalogue")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue",)
    search_fields = ("code",)
    inlines = (ChoiceRows,)
    fields = (("catalogue", "position"), "code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChoiceList]:
        """Return the lists with the number of their choices."""
        return super().get_queryset(request).annotate(choice_count=Count("choices"))

    @display(description="Choices", ordering="choice_count")
    def choice_count(self, choice_list: Any) -> int:
        """Return the number of choices in the list."""
        return int(choice_list.choice_count)
