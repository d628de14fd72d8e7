"""Copies in the admin: the document, its evaluation, its revisions, and the reveal of single sensitive answers.

Nothing here writes a copy. A reveal stores only its own audit row, through the batch.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.decorators import display

from batch import service as batch
from batch.changes.records import Release
from batch.errors import BatchError, NotFound, UnknownCatalogue
from batch.reveal import RevealReason, reveal
from catalogue import releases
from copies.history import changes_of, list_revisions
from copies.models import Copy, CopyRevision, RevealPurpose
from decisions.listing import present_rows
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from forms.models import ApplicationForm
from forms.selectors import state_of_copy
from partner_engine.admin.decision import describe
from partner_engine.admin.document import DocumentReader, answerers
from partner_engine.admin.forms import (
    STATE_LABELS,
    StateFilter,
    find_copies,
    insured_of,
    name_insureds,
    state_and_word,
)
from partner_engine.admin.golden_cases import ADD, make_from_copy
from partner_engine.admin.locks import ask_for_release, release, shown_lock
from partner_engine.admin.site import site
from partner_engine.admin.staff import may, staff_actor
from partner_engine.admin.viewing import BigTableAdmin, is_id, number
from partner_engine.ages import age
from partner_engine.copy_visibility import past_sensitivities
from presentation.state_words import FORM_STATES
from presentation.visibility import Reader, Visibility
from rules.explain.conditions import TracedRule
from rules.explain.shadow import explain_shadow
from rules.flow.evaluation import Evaluation
from tenants.access import Right, system_actor
from tenants.models import ApiClient, Tenant, User

REVISIONS_SHOWN: Final = 20


@admin.register(Copy, site=site)
class CopyAdmin(BigTableAdmin):
    """Copies, newest first."""

    list_display = ("insured", "title", "status", "version_number", "release_id", "touched", "tenant", "short_id")
    list_display_links = ("insured", "short_id")
    sortable_by = ("short_id",)
    list_filter = (StateFilter,)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = (
        "The beginning of a copy ID or form ID, or words from the insured's name or another indexed answer"
    )
    heavy_fields: ClassVar = ("document", "evaluation", "search_text", "search_personal")

    def get_urls(self) -> list[URLPattern]:
        """Add the pages for personal answers, for reveals, and for releasing a lock."""
        wrap = self.admin_site.admin_view
        return [
            path("<path:object_id>/personal/", wrap(self.personal_view), name="copies_copy_personal"),
            path("<path:object_id>/reveal/", wrap(self.reveal_view), name="copies_copy_reveal"),
            path("<path:object_id>/golden-case/", wrap(self.golden_case_view), name="copies_copy_golden_case"),
            path("<path:object_id>/release-lock/", wrap(self.release_lock_view), name="copies_copy_release_lock"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the copies of ``queryset`` that match ``search_term``."""
        return (queryset.filter(pk__in=find_copies(search_term).values("pk")) if search_term else queryset), False

    def prepare(self, rows: list[Any]) -> None:
        """Fetch tenants' names and the insureds' names of all copies on the page."""
        super().prepare(rows)
        present_rows(rows)
        forms = ApplicationForm.objects.filter(pk__in={row.application_form_id for row in rows})
        catalogues = dict(forms.order_by().values_list("pk", "catalogue"))
        name_insureds((row, catalogues.get(row.application_form_id, "")) for row in rows)

    def describe_found(self, rows: list[Any]) -> dict[Any, str]:
        """Map the ids of ``rows`` to their titles in search results."""
        self.prepare(rows)
        return {row.pk: f"{insured_of(row)}, {row.title or row.pk}" for row in rows}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the copy. Raises ``PermissionDenied`` on POST."""
        if request.method == "POST":
            raise PermissionDenied
        return self._page(request, object_id, sees_personal=False)

    def personal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the copy with its personal answers once. It accepts only POST, so that no link can lead here."""
        if request.method != "POST" or not may(request, Right.READ_PERSONAL):
            raise PermissionDenied
        return self._page(request, object_id, sees_personal=True)

    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason, record it, and show the requested answer."""
        copy = self._find(request, object_id)
        if not may(request, Right.REVEAL_SENSITIVE):
            raise PermissionDenied
        place = request.POST.get("path") or request.GET.get("path", "")
        shown = _shown(copy, sees_personal=False)
        reader = shown[0] if shown else None
        context = {
            **self._context(request, copy),
            "title": "Reveal a sensitive answer",
            "path": place,
            "label": reader.label(place) if reader else place,
            "purposes": RevealPurpose.choices,
        }
        if request.method == "POST":
            context |= _revealed(request, copy, place)
        return render(request, "admin/copies/copy/reveal.html", context)

    def release_lock_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for confirmation, then release the lock of the copy."""
        copy = self._find(request, object_id)
        if request.method != "POST":
            return ask_for_release(request, self._context(request, copy))
        back, done = release(request, copy)
        if done:
            self.log_change(request, copy, done)
        return back

    def golden_case_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a golden case of the copy's answers. It accepts only POST."""
        copy = self._find(request, object_id)
        if request.method != "POST" or not request.user.has_perm(ADD):
            raise PermissionDenied
        shown = _shown(copy, sees_personal=False)
        if shown is None:
            raise Http404("The release of this copy is unknown, so its answers cannot be read.")
        reader, evaluation, decided_with = shown
        case = make_from_copy(request, releases.get(decided_with.id), reader.document, evaluation, reader.visibility)
        if case is None:
            return redirect("admin:copies_copy_change", copy.pk)
        self.log_change(request, copy, f"Made golden case {case.name}.")
        return redirect("admin:catalogue_goldencase_change", case.pk)

    def _page(self, request: HttpRequest, object_id: str, *, sees_personal: bool) -> HttpResponse:
        copy = self._find(request, object_id)
        shown = _shown(copy, sees_personal=sees_personal)
        context = {
            **self._context(request, copy),
            "title": str(copy),
            "state": FORM_STATES[state_of_copy(copy)],
            "state_label": STATE_LABELS[state_of_copy(copy)],
            "insured": insured_of(copy),
            "sees_personal": sees_personal,
            "may_see_personal": may(request, Right.READ_PERSONAL),
            "may_reveal": may(request, Right.REVEAL_SENSITIVE),
            "may_make_case": request.user.has_perm(ADD),
            "reader": shown[0] if shown else None,
            **shown_lock(request, copy),
        }
        if shown is not None:
            reader, evaluation, decided_with = shown
            context |= {
                "shadow": _shadow(copy, reader),
                "sets": reader.sets(),
                "evaluation": evaluation,
                "decision": describe(evaluation, reader),
                "release": decided_with,
                "revisions": _revisions(request, copy, reader),
            }
        return render(request, "admin/copies/copy/page.html", context)

    def _find(self, request: HttpRequest, object_id: str) -> Any:
        """Return the copy if its tenant is in scope. Raises ``Http404`` or ``PermissionDenied``."""
        copy = self.get_object(request, unquote(object_id))
        if copy is None:
            raise Http404("There is no such copy in the tenants that you are viewing.")
        if not self.has_view_permission(request, copy):
            raise PermissionDenied
        return copy

    def _context(self, request: HttpRequest, copy: Any) -> dict[str, Any]:
        self.prepare([copy])
        form = ApplicationForm.objects.filter(pk=copy.application_form_id).first()
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": copy,
            "copy": copy,
            "form": form,
            "is_base": form is not None and copy.pk == (form.base_copy_id or form.pk),
        }

    @display(description="Version")
    def version_number(self, copy: Copy) -> SafeString:
        """Return the version."""
        return number(copy.version)

    @display(description="Insured")
    def insured(self, copy: Copy) -> str:
        """Return the name of the insured."""
        return insured_of(copy)

    @display(description="Status", label=STATE_LABELS)
    def status(self, copy: Copy) -> tuple[str, str]:
        """Return the derived state of the copy in the words of the agents' pages."""
        return state_and_word(state_of_copy(copy))

    @display(description="Last changed by a person")
    def touched(self, copy: Copy) -> str:
        """Return the time since a person last changed the copy."""
        return age(copy.last_touched_by_user_at)


def _shown(copy: Any, *, sees_personal: bool) -> tuple[DocumentReader, Evaluation, Release] | None:
    """Return a reader of the copy's document with the present decision and its release, None if a release is
    unknown.
    """
    tenant = Tenant.objects.get(pk=copy.tenant_id)
    try:
        context = batch.find(copy.pk, scope=tenant, actor=system_actor("admin"), archived=True)
        changeset, evaluation = context.current_view()
        past = past_sensitivities([copy.release_id, context.decision_release.id])
    except (NotFound, UnknownCatalogue, releases.NoRelease):
        return None
    release, document = context.decision_release, changeset.document
    visibility = Visibility(context.release.compiled, Reader(sees_personal=sees_personal), past=past)
    return DocumentReader(release.compiled, document, visibility, _names(answerers(document))), evaluation, release


def _shadow(copy: Any, reader: DocumentReader) -> tuple[TracedRule, ...]:
    """Return the shadow rules of the copy's release as they are decided for it; a locked copy keeps its release."""
    if not reader.catalogue.shadow:
        return ()
    tenant = Tenant.objects.get(pk=copy.tenant_id)
    context = batch.find(copy.pk, scope=tenant, actor=system_actor("admin"), archived=True)
    return explain_shadow(
        reader.catalogue,
        reader.document,
        as_of=context.decision_day,
        reveal=context.sealer.reveal,
        visibility=reader.visibility,
    )


def _names(people: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Map the type and id of users and API clients to their names."""
    users = {identity for kind, identity in people if kind in ("user", "staff")}
    clients = {identity for kind, identity in people if kind == "api_client"}
    names: dict[tuple[str, str], str] = {}
    if users:
        for user in User.objects.filter(pk__in=[one for one in users if is_id(one)]):
            names["user", str(user.pk)] = names["staff", str(user.pk)] = user.display_name
    if clients:
        for client in ApiClient.objects.filter(pk__in=[one for one in clients if one.isdecimal()]):
            names["api_client", str(client.pk)] = str(client)
    return names


def _revisions(request: HttpRequest, copy: Copy, reader: DocumentReader) -> dict[str, Any]:
    """Return one page of revisions with their changes, older than the version ``?before=``."""
    before = request.GET.get("before", "")
    rows = list_revisions(copy.pk)
    if before.isdecimal():
        rows = rows.filter(version__lt=int(before[:9]))
    found: list[CopyRevision] = list(rows[: REVISIONS_SHOWN + 1])
    shown = found[:REVISIONS_SHOWN]
    # What a version changed was recorded in it and in the one before.
    recorded = [past_sensitivities(row.release_id for row in found[at : at + 2]) for at in range(len(shown))]
    return {
        "rows": [
            (revision, reader.changes(changes_of(revision), reader.visibility.at(past)))
            for revision, past in zip(shown, recorded, strict=True)
        ],
        "older": shown[-1].version if len(found) > REVISIONS_SHOWN else None,
    }


def _revealed(request: HttpRequest, copy: Any, place: str) -> dict[str, Any]:
    """Return the template context with the revealed value, or with the fault."""
    purpose, text = request.POST.get("purpose", ""), request.POST.get("reason", "")
    tenant = Tenant.objects.get(pk=copy.tenant_id)
    try:
        reason = RevealReason.checked(purpose=purpose, text=text)
        value = reveal(copy.pk, place, scope=tenant, actor=staff_actor(request), reason=reason)
    except (BatchError, DecryptionFailed, KeyServiceUnavailable) as error:
        return {"fault": str(error), "purpose": purpose, "reason": text}
    return {"is_revealed": True, "value": value}
