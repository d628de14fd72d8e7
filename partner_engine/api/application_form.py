"""``/application_forms/{id}``: read a form, change its own fields, delete and restore it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from batch import service as batch
from batch.context import BatchContext
from batch.errors import NotFound
from decisions.listing import present_rows
from forms.selectors import find_meant_copy, list_copies, state_of_copy
from forms.states import state_of_form
from partner_engine.api.bodies import FormChange
from partner_engine.api.copies import respond_with_copy
from partner_engine.api.copy_response import copy_shape, copy_summary
from partner_engine.api.form_fields import change_form_fields, checked_owner
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import meant_copy, no_content, save
from partner_engine.copy_visibility import InsuredNames
from presentation import shapes
from presentation.visibility import Reader
from tenants.access import Right


class ApplicationForm(Endpoint):
    """One form, by its own id or the id of one of its copies."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "PATCH": Right.WRITE_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented(
        "Read an application form",
        "The form with a summary of each of its copies, and in full the copy that the id means: the copy with this id, "
        "else the form's copy that a person changed last. A deleted form is shown too, with `deleted_at`.",
        responses={200: shapes.FormShape, 304: None},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        context = self._find(id)
        names, catalogue = InsuredNames(Reader.for_actor(self.actor)), context.form.catalogue
        copies = present_rows(list_copies(context.form.id))
        shape = shapes.FormShape(
            id=str(context.form.id),
            external_id=context.form.fields.external_id or None,
            metadata=dict(context.form.fields.metadata),
            test=context.form.is_test,
            state=state_of_form(map(state_of_copy, copies), archived=context.form.deleted_at is not None),
            catalogue=context.form.catalogue,
            as_of=context.form.as_of,
            created_at=context.form.created_at,
            deleted_at=context.form.deleted_at,
            copies=[copy_summary(copy, insured=names.of(copy, catalogue)) for copy in copies],
            copy=copy_shape(context, actor=self.actor),
        )
        return self.respond_with_digest(shape)

    @documented(
        "Change an application form",
        "Changes `external_id`, the id of the form in your system (409 `external_id_taken` with the other form, which "
        "can be deleted, in `existing`), and `metadata`: the texts that are listed, null removes one, the others stay "
        "(up to 50 keys of 40 characters with 500 each). `owner_id` is the owner of the copy that the id means. A "
        "field that is left out remains unchanged. `If-Match` names the version of that copy.",
        body=FormChange,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID, *, body: FormChange) -> HttpResponse:
        self.require_body()
        owner_id = checked_owner(body.owner_id, tenant=self.tenant)

        def change(context: BatchContext) -> None:
            change_form_fields(context.changeset, external_id=body.external_id, metadata=body.metadata)
            if owner_id is not UNSET:
                context.changeset.copy.own(owner_id)

        return save(self, meant_copy(self, id), change=change, respond=respond_with_copy)

    @documented(
        "Delete an application form",
        "Takes the form with all its copies out of lists, search and quoting, and closes its guest links; nothing is "
        "erased. `POST /application_forms/{id}/restore` brings it back, `GET /application_forms/{id}` and the list "
        "with `deleted=true` show it, and all routes of its copies respond with 404. None of its copies may be locked "
        "(423 `copy_locked`), and no carrier may be binding a quote of one (409 `binding_under_way`). `If-Match` names "
        "the version of the copy that the id means. A form that is deleted remains unchanged.",
        body=Nothing,
        responses={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        def change(context: BatchContext) -> None:
            context.changeset.application_form.archive()

        return save(self, meant_copy(self, id, deleted_too=True), change=change, respond=no_content)

    def _find(self, id: UUID) -> BatchContext:
        """Return the copy that the id means, of a deleted form too. Raises ``NotFound``."""
        try:
            return batch.find(id, scope=self.tenant, actor=self.actor)
        except NotFound:
            meant = find_meant_copy(id, archived=True)
            if meant is None:
                raise
            return batch.find(meant, scope=self.tenant, actor=self.actor, archived=True)


class RestoreForm(Endpoint):
    """The restoring of a deleted form."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Restore an application form",
        "Restores a deleted form with all its copies and answers; the response is the copy that the id means. Copies "
        "that were deleted by themselves remain deleted. A form that is not deleted remains unchanged.",
        body=Nothing,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        def change(context: BatchContext) -> None:
            context.changeset.application_form.restore()

        return save(self, meant_copy(self, id, deleted_too=True), change=change, respond=respond_with_copy)
