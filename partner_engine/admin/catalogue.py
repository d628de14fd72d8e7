"""The catalogues in the admin: their parts, and the commands to check, publish, export, and import them.

Publishing and loading own their transactions. They are separate views, because the admin's form views would wrap
them in another transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminFileFieldWidget

from carriers.models import Carrier, CarrierProduct
from catalogue.case_rows import compare_cases, load_cases, write_draft
from catalogue.drafts import read_draft
from catalogue.files import CatalogueFile, read_file
from catalogue.golden_cases import GOLDEN_CASE, TooManyCases, faults_of, run_cases
from catalogue.loader import load
from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import NOT_CURRENT
from catalogue.publish_work import count_impacts
from catalogue.release_history import check_renames
from catalogue.release_pointer import release_in_force
from catalogue.releases import NoRelease, publish, read_definition, refuse_during_roll_out
from catalogue.reports import describe_parts, without_repetitions
from catalogue.strict_check import check_catalogue
from decisions.coverage import coverage_of
from partner_engine.admin.book_access import BookRefused, deciding_book, may_see_book
from partner_engine.admin.book_impact import impact_lines, impact_on_book, most_copies
from partner_engine.admin.drafts import DraftAdmin
from partner_engine.admin.roll_outs import GuardedPublishForm, warn_unsettled
from partner_engine.admin.site import site
from partner_engine.admin.uploads import counts_uploads
from partner_engine.admin.viewing import PreparedChangeList
from partner_engine.definition_comparison import compare
from partner_engine.draft_state import DraftState, draft_state, draft_states
from partner_engine.error_pages import too_many_requests
from presentation.csv_cells import BYTE_ORDER_MARK
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault, CatalogueWarning

#: The maximum size of a catalogue file, in bytes.
MAX_FILE: Final = 1_000_000
#: The changelist of the rows that the first step of a fault's key path names.
_PLACES: Final = {
    "choices": "admin:catalogue_choicelist_changelist",
    "question_sets": "admin:catalogue_questionset_changelist",
    "derived": "admin:catalogue_derivedvalue_changelist",
    "form_rules": "admin:catalogue_formrule_changelist",
    "lines": "admin:catalogue_lineofbusiness_changelist",
    "carriers": "admin:carriers_carrier_changelist",
    "products": "admin:carriers_carrierproduct_changelist",
    "golden_cases": "admin:catalogue_goldencase_changelist",
}
#: The colors of drafts: as published, with changes, with faults.
_DRAFT_LABELS: Final = {"good": "success", "changed": "info", "faulty": "danger", "": "default"}
_FIRST_STEP: Final = re.compile(r"(\w+)\[([^\]]+)\]")


class CatalogueFileForm(forms.Form):
    """The form for the file to import."""

    file = forms.FileField(label="Catalogue file (YAML)", widget=UnfoldAdminFileFieldWidget())

    def clean_file(self) -> str:
        """Return the file's text, checked for size and encoding."""
        given = self.cleaned_data["file"]
        if given.size > MAX_FILE:
            raise forms.ValidationError(
                f"The file is larger than {MAX_FILE:,} bytes. Load it with manage.py load_catalogue."
            )
        try:
            return str(given.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not encoded as UTF-8. Save it as UTF-8.") from error


@admin.register(Catalogue, site=site)
class CatalogueAdmin(DraftAdmin):
    """Catalogues. Their parts are drafts; forms are evaluated with releases."""

    empty_title = "No catalogues"
    empty_text = "Import a catalogue file, or add a catalogue and its question sets."

    list_display = ("title", "draft", "code", "current_release", "question_sets", "currency", "allow_test_identities")
    list_display_links = ("title", "code")
    search_fields = ("code", "title")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("code", "title"),
                    ("currency", "allow_test_identities"),
                    ("lines_question", "title_question"),
                    "industry_question",
                    ("effective_date_question", "payment_plan_question"),
                    ("zip_questions", "employees_questions"),
                    "start_questions",
                )
            },
        ),
        ("Draft", {"fields": ("draft", "parts")}),
    )
    actions_detail = ("check_draft", "coverage", "publish", "publish_guarded", "export")
    actions_list = ("import_file",)

    def get_urls(self) -> list[URLPattern]:
        """Add the download of the impact."""
        view = self.admin_site.admin_view(self.impact_view)
        return [path("<path:object_id>/impact/", view, name="catalogue_catalogue_impact"), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Catalogue | None = None) -> tuple[str, ...]:
        """Make the code of an existing catalogue read-only, because other rows refer to it."""
        return ("draft", "parts") if obj is None else ("code", "draft", "parts")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete a published catalogue, because forms are evaluated with it."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (isinstance(obj, Catalogue) and obj.releases.exists())

    def has_publish_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the user may publish, which needs the permission to add releases."""
        return request.user.has_perm("catalogue.add_release")

    def has_import_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the user may replace a draft with a file."""
        return request.user.has_perms(("catalogue.add_catalogue", "catalogue.change_catalogue"))

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the catalogues with the number of their question sets and their current release."""
        in_force = Q(releases__roll_out=None) | ~Q(releases__roll_out__state__in=NOT_CURRENT)
        counted = {
            "set_count": Count("question_sets", distinct=True),
            "latest": Max("releases__number", filter=in_force),
        }
        return super().get_queryset(request).annotate(**counted)

    @display(description="Question sets")
    def question_sets(self, catalogue: Any) -> int:
        """Return the number of question sets in the draft."""
        return int(catalogue.set_count)

    @display(description="Current release")
    def current_release(self, catalogue: Any) -> str:
        """Return the number of the current release."""
        return str(catalogue.latest or "never published")

    @display(description="Draft", label=_DRAFT_LABELS)
    def draft(self, catalogue: Any) -> tuple[str, str]:
        """Return the differences of the draft from the current release, and its faults."""
        if not catalogue.pk:
            return "", "–"
        state: DraftState = getattr(catalogue, "draft_state", None) or draft_state(catalogue)
        return state.tone, state.text

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load the states of the drafts of ``rows``."""
        states = draft_states(rows)
        for row in rows:
            row.draft_state = states[row.pk]

    @display(description="Parts")
    def parts(self, catalogue: Catalogue) -> str | SafeString:
        """Return links to the lists of the catalogue's parts."""
        if catalogue.pk is None:
            return "Save the catalogue first, or import a file."
        return format_html(
            "<ul>{}</ul>",
            format_html_join("", '<li><a class="staff-link" href="{}">{}</a>: {}</li>', _parts(catalogue)),
        )

    @action(description="Check", icon="fact_check", permissions=["view"], url_path="check")
    def check_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the faults of the draft and its differences from the current release."""
        catalogue = self._find(request, object_id)
        return self._report(request, catalogue, title="Check catalogue", can_publish=False)

    @action(description="Coverage", icon="percent", permissions=["view"], url_path="coverage")
    def coverage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show which parts of the draft golden cases, open copies and recorded decisions use."""
        catalogue = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": catalogue,
            "title": "Coverage",
            "catalogue": catalogue,
        }
        try:
            report = coverage_of(catalogue, check_catalogue(read_draft(catalogue)).compiled)
            context |= {"report": report, "rows": [(one, _place(one.item.place)) for one in report.items]}
        except CatalogueErrors as error:
            context["fault_count"] = len(error.faults)
        return render(request, "admin/catalogue/catalogue/coverage.html", context)

    @action(
        description="Publish",
        icon="publish",
        permissions=["publish"],
        url_path="publish",
        variant=ActionVariant.PRIMARY,
    )
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the changes that publishing would make (GET), or publish (POST)."""
        catalogue = self._find(request, object_id)
        if request.method != "POST":
            return self._report(request, catalogue, title="Publish catalogue", can_publish=True)
        before = Release.objects.filter(catalogue=catalogue).count()
        try:
            release = publish(catalogue, actor_id=str(request.user.pk), notes=request.POST.get("notes", "")[:2_000])
        except CatalogueErrors:
            return self._report(request, catalogue, title="Publish catalogue", can_publish=True)
        if release.number > before:
            self.log_change(request, catalogue, f"Published release {release.number}.")
            messages.success(request, f"Release {release.number} is published and current everywhere.")
            for notice in release.notices:
                messages.warning(request, notice)
        else:
            messages.info(request, f"The draft equals release {release.number}; nothing was published.")
        return redirect("admin:catalogue_release_change", release.pk)

    @action(
        description="Start guarded release",
        icon="conversion_path",
        permissions=["publish"],
        url_path="publish-guarded",
    )
    def publish_guarded(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start a guarded release (POST); show its form first (GET)."""
        catalogue = self._find(request, object_id)
        form = GuardedPublishForm(request.POST or None)
        faults: Sequence[CatalogueFault] = ()
        if request.method == "POST" and form.is_valid():
            try:
                roll_out = form.start(catalogue, actor_id=str(request.user.pk))
            except CatalogueErrors as error:
                faults = error.faults
            else:
                if roll_out is not None:
                    self.log_change(request, catalogue, f"Began to publish release {roll_out.release.number}.")
                    messages.success(request, f"The roll-out of release {roll_out.release.number} has begun.")
                    warn_unsettled(request, roll_out)
                    return redirect("admin:catalogue_rollout_change", roll_out.pk)
        shown, _ = without_repetitions(faults)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": catalogue,
            "title": "Start guarded release",
            "catalogue": catalogue,
            "form": form,
            "faults": [(fault, _place(fault.where)) for fault in shown],
            "fault_count": len(faults),
        }
        return render(request, "admin/catalogue/catalogue/guarded.html", context)

    def impact_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Download what publishing the draft would change for open copies, as CSV; for staff who may view copies."""
        catalogue = self._find(request, object_id)
        if not may_see_book(request):
            raise PermissionDenied
        definition = read_draft(catalogue)
        try:
            with deciding_book(request):
                content = "".join(impact_lines(definition, most=most_copies(request.GET.get("copies", ""))))
        except BookRefused as refused:
            return too_many_requests(request, refused.retry_after)
        except (CatalogueErrors, NoRelease):
            messages.error(request, "The draft has faults, or there is no release to compare it with.")
            return redirect("admin:catalogue_catalogue_check_draft", catalogue.pk)
        disposition = {"Content-Disposition": f'attachment; filename="{catalogue.code}-impact.csv"'}
        return HttpResponse(BYTE_ORDER_MARK + content.encode(), content_type="text/csv", headers=disposition)

    @action(description="Export YAML", icon="download", permissions=["view"], url_path="export")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Download the draft as a file."""
        catalogue = self._find(request, object_id)
        text = write_draft(catalogue)
        disposition = {"Content-Disposition": f'attachment; filename="{catalogue.code}.yaml"'}
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=disposition)

    @action(description="Import YAML", icon="upload", permissions=["import"], url_path="import")
    @counts_uploads
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Show the faults or the changes of a file. After a confirmation, replace the draft with it."""
        form = CatalogueFileForm(request.POST or None, request.FILES or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import catalogue",
            "form": form,
        }
        text = request.POST.get("text", "")
        if not text and request.method == "POST" and form.is_valid():
            text = form.cleaned_data["file"]
        if text:
            try:
                file = read_file(text)
            except CatalogueErrors as error:
                shown, more = without_repetitions(error.faults)
                context |= {"faults": shown, "more": more, "fault_count": len(error.faults)}
                return render(request, "admin/catalogue/catalogue/import.html", context)
            if "confirm" in request.POST:
                return self._load(request, file)
            context |= _import_preview(file, text)
        return render(request, "admin/catalogue/catalogue/import.html", context)

    def _load(self, request: HttpRequest, file: CatalogueFile) -> HttpResponse:
        definition = file.definition
        catalogue = load(definition)
        if file.cases:
            self._load_cases(request, catalogue, file)
        self.log_change(request, catalogue, "Replaced the draft with a file.")
        messages.success(request, f"Loaded {describe_parts(definition)}. It is a draft until it is published.")
        return redirect("admin:catalogue_catalogue_change", catalogue.pk)

    def _load_cases(self, request: HttpRequest, catalogue: Catalogue, file: CatalogueFile) -> None:
        # Replacing an expectation is the same order as accepting a new result.
        if not request.user.has_perms(("catalogue.add_goldencase", "catalogue.change_goldencase")):
            messages.error(request, "The golden cases of the file were not stored: you may not change golden cases.")
            return
        try:
            changes = load_cases(catalogue, file.definition, file.cases, actor_id=str(request.user.pk))
        except TooManyCases as error:
            messages.error(request, f"The golden cases of the file were not stored. {error}")
        else:
            messages.info(request, f"Golden cases: {changes}.")

    def _report(self, request: HttpRequest, catalogue: Catalogue, *, title: str, can_publish: bool) -> HttpResponse:
        definition = read_draft(catalogue)
        faults, warnings = _findings(catalogue, definition)
        # Golden cases that differ prevent a publish; the impact shows whether their new results are wanted.
        is_decidable = all(fault.code == GOLDEN_CASE for fault in faults)
        shown, more = without_repetitions(faults)
        latest = release_in_force(catalogue)
        current = read_definition(latest) if latest else None
        differences = compare(current, definition)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": catalogue,
            "title": title,
            "catalogue": catalogue,
            "faults": [(fault, _place(fault.where)) for fault in shown],
            "fault_count": len(faults),
            "more": more,
            "warnings": [(warning, _place(warning.where)) for warning in warnings],
            "latest": latest,
            "differences": differences,
            "state": DraftState(changes=len(differences), faults=len(faults), has_release=latest is not None),
            "is_decidable": is_decidable,
            "impacts": count_impacts(definition, current) if is_decidable else [],
            **(_book_parts(request, definition) if is_decidable and current not in (None, definition) else {}),
            "summary": describe_parts(definition),
            "can_publish": can_publish,
        }
        return render(request, "admin/catalogue/catalogue/report.html", context)

    def _find(self, request: HttpRequest, object_id: str) -> Any:
        catalogue = self.get_object(request, unquote(object_id))
        if catalogue is None:
            raise Http404("There is no such catalogue.")
        if not self.has_view_permission(request, catalogue):
            raise PermissionDenied
        return catalogue


def _findings(
    catalogue: Catalogue, definition: CatalogueDefinition
) -> tuple[list[CatalogueFault], list[CatalogueWarning]]:
    """Return the faults of the draft of ``catalogue``, also against its releases and golden cases, or its warnings."""
    try:
        checked = check_catalogue(definition)
        check_renames(catalogue, definition)
        refuse_during_roll_out(catalogue)
        faults = faults_of(run_cases(catalogue, checked.compiled))
        return faults, [] if faults else checked.warnings
    except CatalogueErrors as error:
        return error.faults, []


def _book_parts(request: HttpRequest, definition: CatalogueDefinition) -> dict[str, Any]:
    """Return what a page shows of the book: the impact on it, or why it is not there."""
    if not may_see_book(request):
        return {}
    try:
        with deciding_book(request):
            return {"book": impact_on_book(definition, most=most_copies(request.GET.get("copies", "")))}
    except BookRefused as refused:
        return {"book_refused": str(refused)}


def _import_preview(file: CatalogueFile, text: str) -> dict[str, Any]:
    definition = file.definition
    known = Catalogue.objects.filter(code=definition.code).first()
    return {
        "definition": definition,
        "known": known,
        "text": text,
        "warnings": file.warnings,
        "cases": file.cases,
        "case_changes": compare_cases(known, definition, file.cases),
        "summary": describe_parts(definition),
        "differences": compare(read_draft(known) if known else None, definition),
    }


def _place(where: str) -> str:
    """Return the URL of the list with the row at the key path ``where``, "" if it has no list."""
    match = _FIRST_STEP.match(where)
    if match is None or match[1] not in _PLACES:
        return ""
    return f"{reverse(_PLACES[match[1]])}?{urlencode({'q': match[2]})}"


def _parts(catalogue: Catalogue) -> Iterable[tuple[str, str, int]]:
    own = (
        ("catalogue_questionset", "Question sets", catalogue.question_sets),
        ("catalogue_choicelist", "Choice lists", catalogue.choice_lists),
        ("catalogue_derivedvalue", "Derived values", catalogue.derived_values),
        ("catalogue_formrule", "Form rules", catalogue.form_rules),
        ("catalogue_lineofbusiness", "Lines of business", catalogue.lines),
        ("catalogue_goldencase", "Golden cases", catalogue.golden_cases),
        ("catalogue_release", "Releases", catalogue.releases),
    )
    for view, title, rows in own:
        yield f"{reverse(f'admin:{view}_changelist')}?catalogue__id__exact={catalogue.pk}", title, rows.count()
    for view, title, model in (("carrier", "Carriers", Carrier), ("carrierproduct", "Products", CarrierProduct)):
        address = reverse(f"admin:carriers_{view}_changelist")
        yield f"{address}?catalogue={catalogue.code}", title, model.objects.filter(catalogue=catalogue.code).count()
