"""``/application_forms``: start a form, list the tenant's forms, read one, make another copy of one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date
from typing import ClassVar, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import IdempotencyKey, StoredResponse
from copies.models import Copy
from forms.selectors import list_copies, list_forms
from partner_engine.api.bodies import FormsQuery, NewCopy, NewForm, NoQuery
from partner_engine.api.copy_response import copy_shape, copy_summary
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import next_link, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import save, stored
from partner_engine.api.listing import form_summary, narrow
from partner_engine.copy_visibility import InsuredNames
from partner_engine.problems import Fault, Refused
from presentation import shapes
from presentation.visibility import Reader
from search.forms import search_forms
from tenants.access import Right

#: Evaluation dates that make sense; dates near the ends of the calendar cannot be reckoned with.
AS_OF_RANGE: Final = (date(1970, 1, 1), date(2200, 1, 1))


class ApplicationForms(Endpoint):
    """All forms of the caller's tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List application forms",
        "One entry for each form, with the copy that a person touched last. Pages are stable: follow `next` until it "
        "is null.",
        query=FormsQuery,
        answers={200: shapes.FormPage},
    )
    def get(self, request: Request) -> HttpResponse:
        """List forms."""
        query = self.query(FormsQuery)
        found = page(self._matching(query), order=query.order, cursor=query.cursor, limit=query.limit)
        names = InsuredNames(Reader.for_actor(self.actor))
        results = [form_summary(copy, names) for copy in found.rows]
        parameters = {name: str(value) for name, value in request.GET.items() if name != "cursor"}
        return self.answer(shapes.FormPage(results, next_link(request.path, parameters, found.next_cursor)))

    @documented(
        "Start an application form",
        "Makes the form and its default copy, with all given answers and nested rows, in one save. The rules decide "
        "at once: the answer is the whole copy with its eligibility, what is needed and messages. `as_of` needs the "
        "right `forms:as_of`.",
        body=NewForm,
        query=NoQuery,
        answers={201: shapes.CopyShape},
        write=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a form."""
        self.query()
        body = self.body(NewForm)
        self._require_as_of(body.as_of)

        def open_form(key: IdempotencyKey | None) -> AbstractContextManager[BatchContext]:
            return batch.build_context(
                scope=self.tenant,
                actor=self.actor,
                title=body.title,
                as_of=body.as_of,
                catalogue=body.catalogue or "",
                idempotency=key,
            )

        def change(context: BatchContext) -> None:
            context.changeset.apply_answers(body.answers, body.answer_pools)

        return save(self, open_form, change=change, answer=lambda *saved: created(self, *saved))

    def _matching(self, query: FormsQuery) -> QuerySet[Copy]:
        copies = list_forms(deleted=query.deleted or query.state == "deleted")
        if query.q:
            copies = search_forms(copies, query.q, personal=self.actor.may(Right.READ_PERSONAL))
        state = query.state or ("deleted" if query.deleted else None)
        return narrow(copies, query, state=state, actor=self.actor)

    def _require_as_of(self, as_of: date | None) -> None:
        if as_of is None:
            return
        self.actor.require(Right.SET_AS_OF)
        first, last = AS_OF_RANGE
        if not first <= as_of <= last:
            detail = f"as_of lies between {first} and {last}."
            raise Refused(
                422, "invalid_body", detail, faults=[Fault(code="invalid_value", pointer="/as_of", detail=detail)]
            )


class ApplicationForm(Endpoint):
    """One form, by its own id or the id of one of its copies."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read an application form",
        "The form with a summary of each of its copies, and in whole the copy that the id means: the copy with this "
        "id, else the form's copy that a person touched last.",
        query=NoQuery,
        answers={200: shapes.FormShape, 304: None},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read a form."""
        self.query()
        context = batch.find(id, scope=self.tenant, actor=self.actor)
        names, catalogue = InsuredNames(Reader.for_actor(self.actor)), context.form.catalogue
        shape = shapes.FormShape(
            id=str(context.form.id),
            catalogue=context.form.catalogue,
            as_of=context.form.as_of,
            created_at=context.form.created_at,
            copies=[copy_summary(copy, insured=names.of(copy, catalogue)) for copy in list_copies(context.form.id)],
            copy=copy_shape(context, actor=self.actor),
        )
        return self.answer_digested(shape)


class FormCopies(Endpoint):
    """The copies of one form."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Make a copy",
        "Makes another copy of the form from `from_copy`, or without it from the copy that the id means. Row ids "
        "stay the same.",
        body=NewCopy,
        query=NoQuery,
        answers={201: shapes.CopyShape},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Make a copy."""
        self.query()
        body = self.body(NewCopy)
        source = self._source(id, body.from_copy)

        def open_copy(key: IdempotencyKey | None) -> AbstractContextManager[BatchContext]:
            return batch.build_copy(source, scope=self.tenant, actor=self.actor, title=body.title, idempotency=key)

        return save(self, open_copy, change=lambda context: None, answer=lambda *saved: created(self, *saved))

    def _source(self, form_id: UUID, from_copy: str | None) -> UUID:
        """Return the copy to start from.

        Raises ``NotFound`` for no such form, ``Refused`` (422) for a copy that is not this form's.
        """
        form = batch.find(form_id, scope=self.tenant, actor=self.actor)
        if from_copy is None:
            return form.copy.id
        try:
            source = batch.find(from_copy, scope=self.tenant, actor=self.actor)
        except NotFound:
            source = None
        if source is None or source.form.id != form.form.id or str(source.copy.id) != from_copy.lower():
            detail = "This form has no such copy."
            raise Refused(
                422, "invalid_body", detail, faults=[Fault(code="unknown_copy", pointer="/from_copy", detail=detail)]
            )
        return source.copy.id


def created(endpoint: Endpoint, context: BatchContext, result: SaveResult) -> StoredResponse:
    """Return the answer to a request that made a copy: 201, where it is, and all of it."""
    location = reverse("api:copy", kwargs={"id": context.copy.id})
    shape = copy_shape(context, actor=endpoint.actor, result=result)
    return stored(shape, version=result.version, status=201, location=location)
