"""Application forms and declinations in the admin, read-only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from catalogue import releases
from catalogue.models import Catalogue
from copies.models import Copy
from decisions.listing import in_state, present_rows
from forms.models import ApplicationForm
from forms.selectors import state_of_copy
from forms.states import State
from partner_engine.admin.erasure import PERMISSION as ERASE_PERMISSION
from partner_engine.admin.erasure import erase_view
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin, number, short_id
from partner_engine.ages import age
from partner_engine.copy_visibility import InsuredNames
from presentation.state_words import FORM_STATES
from presentation.visibility import Reader
from search.form_search import search_forms

#: The colors of the agents' pages, as the admin names them.
STATE_LABELS: Final = {
    "ready": "success",
    "incomplete": "warning",
    "declined": "danger",
    "locked": "default",
    "deleted": "default",
}
STATES: Final[tuple[State, ...]] = ("ready", "incomplete", "declined", "locked", "deleted")


class StateFilter(admin.SimpleListFilter):
    """The list filter for forms with a copy in a state."""

    title = "state of a copy"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, FORM_STATES[state]) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` that match the chosen value."""
        state = next((state for state in STATES if state == self.value()), None)
        if state is None:
            return queryset
        copies = in_state(Copy.objects.order_by(), state)
        if queryset.model is Copy:
            return queryset.filter(pk__in=copies.values("pk"))
        return queryset.filter(pk__in=copies.values("application_form_id"))


class CatalogueFilter(admin.SimpleListFilter):
    """The list filter for rows that refer to a catalogue by code."""

    title = "catalogue"
    parameter_name = "catalogue"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Return the catalogues."""
        return list(Catalogue.objects.values_list("code", "title"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` that match the chosen value."""
        return queryset.filter(catalogue=self.value()) if self.value() else queryset


def find_copies(term: str) -> QuerySet[Copy]:
    """Return the copies in scope that match ``term``.

    ``term`` is the beginning of a copy's or form's id, or words of indexed answers.
    """
    # Personal answers are not searched here, because a match would disclose what staff see masked.
    return search_forms(Copy.objects.order_by(), term, personal=False)


def name_insureds(copies: Iterable[tuple[Any, str]]) -> None:
    """Note at each copy, given with the code of its catalogue, whom it insures as far as staff may see it in lists."""
    names = InsuredNames(Reader())
    for copy, catalogue in copies:
        copy.insured_name = names.of(copy, catalogue)


def insured_of(copy: Any) -> str:
    """Return whom the copy insures, as ``name_insureds`` noted it."""
    return str((copy.insured_name if copy else "") or "–")


@admin.register(ApplicationForm, site=site)
class ApplicationFormAdmin(BigTableAdmin):
    """Application forms, newest first. A row shows the data of the copy that a person touched last."""

    list_display = ("insured", "status", "lines", "touched", "copies", "tenant", "created", "short_id")
    list_display_links = ("insured", "short_id")
    sortable_by = ("created",)
    list_filter = (StateFilter, CatalogueFilter, "is_test")
    # Ids are sortable by time, and their index serves all tenants and one alike.
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = (
        "The beginning of a form ID or copy ID, or words from the insured's name or another indexed answer"
    )
    fields = (
        "id", "tenant", "catalogue", "as_of", "created_by_type", "created_by_id", "created_at", "deleted_at",
        "is_test", "all_copies", "sensitive_answers",
    )  # fmt: skip
    readonly_fields = fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields, with the link to the erasure for users with the permission."""
        may_erase = request.user.has_perm(ERASE_PERMISSION)
        return [field for field in self.fields if may_erase or field != "sensitive_answers"]

    def get_urls(self) -> list[URLPattern]:
        """Add the page that erases keys."""
        erase = self.admin_site.admin_view(self.erase_view)
        return [path("<path:object_id>/erase/", erase, name="forms_applicationform_erase"), *super().get_urls()]

    def erase_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Erase the keys of the form's sensitive answers, after a confirmation."""
        form = self.get_object(request, object_id)
        if form is None:
            raise Http404
        return erase_view(request, form, {**self.admin_site.each_context(request), "opts": self.opts})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the forms of ``queryset`` with a copy that matches ``search_term``."""
        if not search_term:
            return queryset, False
        by_form = Q(pk__in=find_copies(search_term).values("application_form_id"))
        return queryset.filter(by_form), False

    def prepare(self, rows: list[Any]) -> None:
        """Load the names of the tenants and the copies of all forms on the page."""
        super().prepare(rows)
        found: dict[Any, list[Copy]] = {}
        copies = Copy.objects.filter(application_form_id__in=[row.pk for row in rows]).defer("document", "evaluation")
        copies = copies.order_by(F("last_touched_by_user_at").desc(nulls_last=True), "created_at", "id")
        for copy in present_rows(copies):
            found.setdefault(copy.application_form_id, []).append(copy)
        for row in rows:
            row.found_copies = found.get(row.pk, [])
        name_insureds((copy, row.catalogue) for row in rows for copy in row.found_copies)

    def describe_found(self, rows: list[Any]) -> dict[Any, str]:
        """Map the ids of ``rows`` to their titles in search results."""
        self.prepare(rows)
        return {row.pk: f"{insured_of(_latest(row))}, {row.tenant_name}" for row in rows}

    @display(description="Created", ordering="pk")
    def created(self, form: Any) -> datetime:
        """Return when the form was created; ids are sortable by time."""
        created_at: datetime = form.created_at
        return created_at

    @display(description="Insured")
    def insured(self, form: Any) -> str:
        """Return the name of the insured."""
        return insured_of(_latest(form))

    @display(description="Status", label=STATE_LABELS)
    def status(self, form: Any) -> tuple[str, str]:
        """Return the derived state of the form in the words of the agents' pages."""
        latest = _latest(form)
        return state_and_word("deleted" if form.deleted_at or latest is None else state_of_copy(latest))

    @display(description="Lines")
    def lines(self, form: Any) -> str:
        """Return the requested lines of business."""
        latest = _latest(form)
        return ", ".join(line_labels(form.catalogue, latest.summary.get("lines", ()))) if latest else ""

    @display(description="Last changed by a person")
    def touched(self, form: Any) -> str:
        """Return the time since a person last changed the form."""
        latest = _latest(form)
        return age(latest.last_touched_by_user_at if latest else None)

    @display(description="Copies")
    def copies(self, form: Any) -> SafeString:
        """Return the number of copies that are not deleted."""
        return number(sum(copy.deleted_at is None for copy in form.found_copies))

    @display(description="Copies")
    def all_copies(self, form: Any) -> SafeString:
        """Return the form's copies with links."""
        if not hasattr(form, "found_copies"):
            self.prepare([form])
        rows = [
            (
                reverse("admin:copies_copy_change", args=(copy.pk,)),
                f"{copy.title or 'Copy'}: {insured_of(copy)}",
                f"version {copy.version}, {FORM_STATES[state_of_copy(copy)]}",
            )
            for copy in form.found_copies
        ]
        return format_html(
            "<ul>{}</ul>", format_html_join("", '<li><a class="staff-link" href="{}">{}</a> ({})</li>', rows)
        )

    @display(description="Sensitive answers")
    def sensitive_answers(self, form: Any) -> SafeString:
        """Return a link to the page that erases their keys."""
        address = reverse("admin:forms_applicationform_erase", args=(form.pk,))
        return format_html('<a class="staff-link" href="{}">Erase for ever…</a>', address)


def _latest(form: Any) -> Copy | None:
    """Return the copy that a person touched last, preferably one that is not deleted."""
    copies: list[Copy] = form.found_copies
    return next((copy for copy in copies if copy.deleted_at is None), copies[0] if copies else None)


def state_and_word(state: State) -> tuple[str, str]:
    """Return ``state`` and its word on the agents' pages, as labels take them."""
    return state, FORM_STATES[state]


def line_labels(catalogue: str, codes: Iterable[str]) -> list[str]:
    """Return the labels of lines of business in the current release; a code that is not in it stays as it is."""
    try:
        definition = releases.current(catalogue).compiled.definition
    except releases.NoRelease:
        return list(codes)
    labels = {line.code: line.label for line in definition.lines}
    return [labels.get(code, code) for code in codes]


def copy_address(copy_id: Any) -> str:
    """Return the address of a copy's page."""
    return reverse("admin:copies_copy_change", args=(copy_id,))


def copy_link(copy_id: Any) -> SafeString:
    """Return a link to a copy's page, with the beginning of its id."""
    return format_html('<a class="staff-link" href="{}">{}</a>', copy_address(copy_id), short_id(copy_id))
