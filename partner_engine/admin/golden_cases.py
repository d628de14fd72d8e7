"""Golden cases in the admin: made from copies, run against the draft, and their new results accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from catalogue import releases
from catalogue.drafts import read_draft
from catalogue.golden_answers import answers_of, refused_codes
from catalogue.golden_cases import (
    CaseRun,
    NameTaken,
    NewCase,
    TooManyCases,
    accept_result,
    describe,
    document_in,
    latest_id,
    make_case,
    run_case,
)
from catalogue.models import AcceptedResult, GoldenCase
from catalogue.releases import CompiledRelease
from catalogue.strict_check import check_catalogue
from copies.document import Document
from partner_engine.admin.site import site
from partner_engine.admin.viewing import is_id
from presentation.visibility import Visibility
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from tenants.models import User

#: What the draft makes of a case, in the list.
PASSES, DIFFERS, FAULTY = "as expected", "differs", "draft has faults"
#: The permission to make a case from a copy.
ADD: Final = "catalogue.add_goldencase"


class GoldenCaseForm(forms.ModelForm):
    """The form of a case, which refuses answers that a case may not hold."""

    class Meta:
        model = GoldenCase
        fields = ("name", "note", "as_of", "answers", "answer_pools", "excluded")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        case: GoldenCase = self.instance
        try:
            compiled = _compiled_for(case)
        except CatalogueErrors as error:
            self.add_error(None, ValidationError(f"Correct the draft first: it has {len(error.faults)} faults."))
            return
        refused = refused_codes(compiled, document_in(case, compiled, latest=latest_id(case.catalogue)))
        if refused:
            text = f"A case holds no personal answers, free texts and unknown questions: remove {', '.join(refused)}."
            self.add_error("answers", ValidationError(text))


@admin.register(GoldenCase, site=site)
class GoldenCaseAdmin(ModelAdmin):
    """Golden cases, by name. They are made on the pages of copies."""

    form = GoldenCaseForm
    list_display = ("name", "catalogue", "as_of", "products", "draft_result", "created_at")
    list_filter = ("catalogue",)
    list_select_related = ("catalogue", "release__catalogue")
    search_fields = ("name", "note")
    actions = ("accept_selected",)
    actions_detail = ("run", "accept")
    fields = (
        "name", "note", "as_of", "release", "answers", "answer_pools", "excluded", "not_held", "results", "accepted",
    )  # fmt: skip
    readonly_fields: ClassVar = ("release", "not_held", "results", "accepted")
    compressed_fields = False
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a case is made from a copy."""
        return False

    def has_accept_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the user may accept new results."""
        return request.user.has_perm("catalogue.change_goldencase")

    @display(description="Products")
    def products(self, case: GoldenCase) -> int:
        """Return the number of products with an expected outcome."""
        return len(case.expected)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, each of its cases with the result of the draft."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        for case, result in zip(changelist.result_list, _draft_results(changelist.result_list), strict=True):
            case.draft_result = result
        return changelist

    @display(description="By the draft", label={PASSES: "success", DIFFERS: "danger", FAULTY: "warning"})
    def draft_result(self, case: Any) -> str:
        """Return whether the draft decides the case as expected."""
        return str(case.draft_result)

    @display(description="Left out")
    def not_held(self, case: GoldenCase) -> str:
        """Return the questions whose answers were left out."""
        return ", ".join(case.left_out) or "nothing"

    @display(description="Expected")
    def results(self, case: GoldenCase) -> SafeString:
        """Return the expected outcome of each product."""
        rows = [(code, describe(expected)) for code, expected in case.expectations.items()]
        return render_to_string("admin/catalogue/goldencase/results.html", {"rows": rows})

    @display(description="Accepted results")
    def accepted(self, case: GoldenCase) -> SafeString:
        """Return the orders to expect a new result, newest first."""
        orders = list(case.accepted_results.all()[:50])
        people = {order.accepted_by_id for order in orders if is_id(order.accepted_by_id)}
        names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=people)} if people else {}
        rows = [(order, names.get(order.accepted_by_id, order.accepted_by_id), _changes(order)) for order in orders]
        return render_to_string("admin/catalogue/goldencase/accepted.html", {"rows": rows})

    @action(description="Run against the draft", icon="play_arrow", permissions=["view"], url_path="run")
    def run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show how the draft decides the case, and the order to accept a new result."""
        case = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": case,
            "title": "Run against the draft",
            "case": case,
            "may_accept": self.has_accept_permission(request),
        }
        try:
            run = _run(case)
        except CatalogueErrors as error:
            context |= {"fault_count": len(error.faults)}
        else:
            context |= {
                "run": run,
                "rows": [(one, describe(one.expected), describe(one.decided)) for one in run.differences],
            }
        return render(request, "admin/catalogue/goldencase/run.html", context)

    @action(description="Accept the new result", icon="check", permissions=["accept"], url_path="accept")
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Expect what the draft decides (POST); show the result first (GET)."""
        case = self._find(request, object_id)
        if request.method != "POST":
            return redirect("admin:catalogue_goldencase_run", case.pk)
        self._accept(request, [case])
        return redirect("admin:catalogue_goldencase_change", case.pk)

    @admin.action(description="Accept the new results of the draft", permissions=["accept"])
    def accept_selected(self, request: HttpRequest, cases: QuerySet[GoldenCase]) -> None:
        """Expect what the draft decides for each chosen case."""
        self._accept(request, list(cases.select_related("catalogue")))

    def _accept(self, request: HttpRequest, cases: list[GoldenCase]) -> None:
        drafts: dict[int, CompiledCatalogue] = {}
        accepted = 0
        for case in cases:
            try:
                if case.catalogue_id not in drafts:
                    drafts[case.catalogue_id] = check_catalogue(read_draft(case.catalogue)).compiled
            except CatalogueErrors as error:
                text = f"The draft of {case.catalogue} has {len(error.faults)} faults; nothing was accepted for it."
                messages.error(request, text)
                return
            if accept_result(case, drafts[case.catalogue_id], actor_id=str(request.user.pk)):
                self.log_change(request, case, "Accepted the new result.")
                accepted += 1
        noun = "case" if accepted == 1 else "cases"
        messages.success(request, f"Accepted the new result of {accepted} {noun}; the others pass already.")

    def _find(self, request: HttpRequest, object_id: str) -> Any:
        case = self.get_object(request, unquote(object_id))
        if case is None:
            raise Http404("There is no such golden case.")
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        return case


def _compiled_for(case: GoldenCase) -> CompiledCatalogue:
    """Return the catalogue with the codes of ``case``: that of its release's successor, or the draft. Raises
    ``CatalogueErrors`` for a faulty draft.
    """
    if case.release_id is None:
        return check_catalogue(read_draft(case.catalogue)).compiled
    return releases.current(case.catalogue.code).compiled


def _run(case: GoldenCase) -> CaseRun:
    compiled = check_catalogue(read_draft(case.catalogue)).compiled
    return run_case(case, compiled, latest=latest_id(case.catalogue))


def _draft_results(cases: Sequence[GoldenCase]) -> list[str]:
    """Return what the draft of each case's catalogue makes of it; each draft is compiled once."""
    drafts: dict[int, tuple[CompiledCatalogue | None, int]] = {}
    for case in cases:
        if case.catalogue_id not in drafts:
            try:
                compiled = check_catalogue(read_draft(case.catalogue)).compiled
            except CatalogueErrors:
                compiled = None
            drafts[case.catalogue_id] = (compiled, latest_id(case.catalogue))
    results = []
    for case in cases:
        compiled, latest = drafts[case.catalogue_id]
        if compiled is None:
            results.append(FAULTY)
        else:
            results.append(PASSES if run_case(case, compiled, latest=latest).passes else DIFFERS)
    return results


def _changes(order: AcceptedResult) -> list[str]:
    """Return the products whose expectation an order changed."""
    codes = sorted(order.before.keys() | order.after.keys())
    return [code for code in codes if order.before.get(code) != order.after.get(code)]


def make_from_copy(
    request: HttpRequest, release: CompiledRelease, document: Document, evaluation: Evaluation, visibility: Visibility
) -> GoldenCase | None:
    """Store a case with the answers of a copy's ``document``; on a problem, show it and return None."""
    name = " ".join(request.POST.get("name", "").split())[:200]
    if not name:
        messages.error(request, "Enter a name for the golden case.")
        return None
    answers = answers_of(release.compiled, document, hides=visibility.hides)
    new = NewCase(name=name, as_of=evaluation.as_of, note=request.POST.get("note", "")[:2_000])
    try:
        case = make_case(release, answers, new, actor_id=str(request.user.pk))
    except (NameTaken, TooManyCases) as error:
        messages.error(request, str(error))
        return None
    messages.success(request, f"Golden case “{name}” was made. {_said(case, evaluation)}")
    return case


def _said(case: GoldenCase, evaluation: Evaluation) -> str:
    """Return what the case leaves out, and whether it is decided as the copy."""
    missing = f"Left out: {', '.join(case.left_out)}." if case.left_out else "It has every answer that a rule reads."
    others = [
        code
        for code, outcome in evaluation.eligibility.items()
        if code not in case.expected
        or (outcome.outcome, outcome.premium) != (case.expected[code]["outcome"], case.expected[code].get("premium"))
    ]
    return f"{missing} Without them, another decision on {', '.join(others)} is expected." if others else missing
