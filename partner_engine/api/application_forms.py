"""``/application_forms``: start a form, list the tenant's forms, add a copy to a form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from msgspec import UnsetType
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.changes.submission import submit_answers
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import StoredResponse
from batch.new_copies import AS_OF_RANGE
from copies.models import Copy
from decisions.listing import present_rows
from forms.models import ApplicationForm
from forms.selectors import in_forms_changed_since, list_forms, list_latest_changes, with_partner_fields
from partner_engine.api.bodies import FormsQuery, NewCopy, NewForm
from partner_engine.api.copy_response import saved_copy
from partner_engine.api.form_fields import change_form_fields, checked_owner, checked_title
from partner_engine.api.form_list import filter_copies, form_summary, lists_tests
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import refusals_of_answers
from partner_engine.api.http.many import ManyResults
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save
from partner_engine.copy_visibility import InsuredNames
from partner_engine.problems import Refused
from presentation import shapes
from presentation.visibility import Reader
from search.form_search import search_forms
from tenants.access import Right
from tenants.limits.scopes import FORM_CREATION


class ApplicationForms(Endpoint):
    """The forms of the caller's tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}
    limits: ClassVar = {"POST": FORM_CREATION}

    @documented(
        "List application forms",
        "One entry per form, with the copy that a person changed last. Follow `next` until it is null. In the default "
        "order `-created` and in `created` a walk meets every form once, also while forms are changed and added. To "
        "synchronize, walk in `order=updated`: a form that changes meanwhile comes again. Send the time at which the "
        "walk began, less a minute, as `updated_since` of the next walk. `-updated`, `last_touched` and "
        "`-last_touched` are for display: a form that is touched during such a walk can be missed. `test` lists test "
        "forms, or the others; by default sandbox clients see test forms, and all other callers the others.",
        query=FormsQuery,
        responses={200: shapes.FormPage},
    )
    def get(self, request: Request, *, query: FormsQuery) -> HttpResponse:
        copies, cursor = self._page(query)
        names = InsuredNames(Reader.for_actor(self.actor))
        results = [form_summary(copy, names) for copy in present_rows(copies, state=query.state)]
        return self.respond(shapes.FormPage(results, next_page(request, cursor)))

    @documented(
        "Start an application form",
        "Creates the form and its default copy, with all submitted answers and nested rows, in one save. The rules are "
        "evaluated at once: the response is the whole copy with its eligibility, what is needed and messages. `as_of` "
        "requires the right `forms:as_of`. An `external_id` that another form of the tenant has: 409 "
        "`external_id_taken` with that form in `existing`. `owner_id` is one of `GET /users`. New rows with "
        "a `ref` are in `refs` by it. A list of up to 50 forms is accepted too: each is created or refused by "
        "itself, with the status and body that it would have alone (207). Send more as one operation.",
        body=NewForm,
        responses={201: (shapes.CopyShape, shapes.CopyWithRefsShape, shapes.Receipt), 207: ManyResults},
        write=True,
        many=True,
        makes_copy=True,
    )
    def post(self, request: Request, *, body: NewForm) -> HttpResponse:
        self._check_as_of(body.as_of)
        owner_id = checked_owner(body.owner_id, tenant=self.tenant)
        opener = partial(
            batch.build_context,
            scope=self.tenant,
            actor=self.actor,
            title=checked_title(body.title),
            as_of=body.as_of,
            catalogue=body.catalogue or "",
        )

        def change(context: BatchContext) -> None:
            change_form_fields(context.changeset, external_id=body.external_id, metadata=body.metadata)
            own_new_copy(context, owner_id)
            submit_answers(context.changeset, body.answers, body.answer_pools)

        return save(self, opener, change=change, respond=respond_with_new_copy)

    def refusals_of_answers(self, **places: object) -> Sequence[Refused]:
        """Return what is wrong with the answers in a request that is refused for its shape."""
        body = self.parsed_body()
        catalogue = body.get("catalogue") if isinstance(body, dict) else None
        opener = batch.build_context(
            scope=self.tenant, actor=self.actor, catalogue=catalogue if isinstance(catalogue, str) else ""
        )
        return refusals_of_answers(opener, body)

    def _page(self, query: FormsQuery) -> tuple[Sequence[Copy], str]:
        """Return the copies of one page, and the cursor of the next page or ""."""
        matching = self._matching(query)
        if query.order.lstrip("-") != "updated":
            found = page(matching, order=query.order, cursor=query.cursor, limit=query.limit)
            return found.rows, found.next_cursor
        changes = list_latest_changes().filter(
            application_form_id__in=matching.order_by().values("application_form_id")
        )
        changed = page(changes, order=query.order, cursor=query.cursor, limit=query.limit)
        form_ids = [change.application_form_id for change in changed.rows]
        shown = {copy.application_form_id: copy for copy in matching.filter(application_form_id__in=form_ids)}
        # A form may be deleted between the two queries.
        return [shown[form_id] for form_id in form_ids if form_id in shown], changed.next_cursor

    def _matching(self, query: FormsQuery) -> QuerySet[Copy]:
        deleted = query.deleted or query.state == "deleted"
        copies = with_partner_fields(list_forms(deleted=deleted, tests=lists_tests(query.test, self.actor)))
        if deleted and query.state not in (None, "deleted"):
            copies = copies.none()
        if query.q:
            copies = search_forms(copies, query.q, personal=self.actor.may(Right.READ_PERSONAL))
        if query.updated_since is not None:
            copies = in_forms_changed_since(copies, query.updated_since)
        if query.external_id:
            forms = ApplicationForm.objects.filter(external_id=query.external_id)
            copies = copies.filter(application_form_id__in=forms.order_by().values("pk"))
        return filter_copies(copies, query, state=None if deleted else query.state, actor=self.actor)

    def _check_as_of(self, as_of: date | None) -> None:
        if as_of is None:
            return
        self.actor.require(Right.SET_AS_OF)
        first, last = AS_OF_RANGE
        if not first <= as_of <= last:
            raise Refused.field("/as_of", f"as_of must be between {first} and {last}.")


class FormCopies(Endpoint):
    """The copies of one form."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Make a copy",
        "Creates another copy of the form from `from_copy`, by default from the copy that the id means, at its present "
        "or at an earlier version (`from_version`), or without answers (`empty`). Row ids stay the same.",
        body=NewCopy,
        responses={201: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        makes_copy=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewCopy) -> HttpResponse:
        if body.empty and (body.from_copy is not None or body.from_version is not None):
            raise Refused.field("/empty", "Send empty, or the copy and version to start from, not both.")
        opener = partial(
            batch.build_copy,
            self._source(id, body.from_copy),
            scope=self.tenant,
            actor=self.actor,
            title=checked_title(body.title),
            version=body.from_version,
            is_empty=body.empty,
        )
        owner_id = checked_owner(body.owner_id, tenant=self.tenant)
        return save(self, opener, change=lambda context: own_new_copy(context, owner_id), respond=respond_with_new_copy)

    def _source(self, form_id: UUID, from_copy: str | None) -> UUID:
        """Return the copy to start from.

        Raises ``NotFound`` for an unknown form, ``Refused`` (422) for a copy of another form.
        """
        form = batch.find(form_id, scope=self.tenant, actor=self.actor)
        if from_copy is None:
            return form.copy.id
        try:
            source = batch.find(from_copy, scope=self.tenant, actor=self.actor)
        except NotFound:
            source = None
        if source is None or source.form.id != form.form.id or str(source.copy.id) != from_copy.lower():
            raise Refused.field("/from_copy", "This form has no such copy.", code="unknown_copy")
        return source.copy.id


def own_new_copy(context: BatchContext, owner_id: UUID | None | UnsetType) -> None:
    """Make the user ``owner_id`` the owner of the new copy; without one it is the caller, if that is a user."""
    if isinstance(owner_id, UUID):
        context.changeset.copy.own(owner_id)


def respond_with_new_copy(context: BatchContext, result: SaveResult, value: None) -> StoredResponse:
    """Return the 201 response with the new copy and its location."""
    location = reverse("api:copy", kwargs={"id": context.copy.id})
    return json_response(saved_copy(context, result), version=result.version, status=201, location=location)
