"""``/copies/{id}``: read a copy as it is or was, rename it, delete and restore it, lock it, make it the base."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import StoredResponse
from partner_engine.api.bodies import CopyChange, LockInput, ReadQuery
from partner_engine.api.copy_response import copy_shape, saved_copy
from partner_engine.api.form_fields import checked_owner
from partner_engine.api.http import response_store
from partner_engine.api.http.conditional import read_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.response_store import slot_of
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import exact_copy, json_response, no_content, save, save_copy
from partner_engine.copy_visibility import current_release, visibility_of
from partner_engine.problems import Refused
from presentation import shapes
from quoting.gates import find_head, permissions_for
from rules.flow.evaluation import EDITION
from tenants.access import Right


def find_copy(endpoint: Endpoint, copy_id: UUID, query: ReadQuery) -> BatchContext:
    """Return the copy with this id, at the version or moment of ``query``. Raises ``NotFound``."""
    if query.at_version is not None and query.at is not None:
        raise Refused.parameter("at", "Send at_version or at, not both.")
    context = batch.find(
        copy_id, scope=endpoint.tenant, actor=endpoint.actor, version=query.at_version, moment=query.moment
    )
    # A form's id may lead to another copy; below ``/copies`` an id means that copy or nothing.
    if context.copy.id != copy_id:
        raise NotFound
    return context


def state_of(context: BatchContext, *others: object) -> str:
    """Return as text what the body of a read depends on besides the copy's id: all of it for the context's actor, and
    ``others``. The same text means the same body, also across processes and restored databases.

    What the actor may see depends on their rights, and on the current release also where the decision is an older one.
    An earlier version is shown with the copy's present title, lock and last touch, and with the present base.
    """
    actor, copy = context.save_context.actor, context.copy
    parts = (
        current_release(context).id,
        EDITION,
        actor.type,
        *sorted(actor.rights),
        copy.fields,
        copy.copied_from_id,
        copy.copied_from_version,
        copy.last_touched_by_user_at,
        copy.updated_at,
        # Of the version's content.
        copy.chain.hex(),
        context.form.fields,
        context.loaded.is_base,
        *others,
    )
    return "\0".join(
        (str(context.version), str(context.decision_release.id), str(context.decision_day), *map(str, parts))
    )


def tag_of(context: BatchContext, state: str = "") -> str:
    """Return the entity tag of what the context's actor reads of its copy; ``state`` is that of ``state_of`` if the
    body depends on more.
    """
    return read_tag(
        context.version,
        release=context.decision_release.id,
        day=context.decision_day,
        others=(state or state_of(context),),
    )


def respond_to_read(
    endpoint: Endpoint, copy_id: UUID, query: ReadQuery, build: Callable[[BatchContext], msgspec.Struct]
) -> HttpResponse:
    """Return the response to a read of a copy: what ``build`` makes of it, or 304 if the caller has it. Raises
    ``NotFound``.
    """
    if endpoint.has_tags and not query.is_past:
        head, _ = find_head(copy_id, scope=endpoint.tenant, actor=endpoint.actor)
        if endpoint.is_fresh(known := tag_of(head)):
            return endpoint.respond_unchanged(known)
    context = find_copy(endpoint, copy_id, query)
    etag = tag_of(context)
    if endpoint.is_fresh(etag):
        return endpoint.respond_unchanged(etag)
    return endpoint.respond(build(context), etag=etag)


class Copy(Endpoint):
    """One copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "PATCH": Right.WRITE_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented(
        "Read a copy",
        "The whole copy: answers, rows, question sets, eligibility with reasons, what is needed, messages. "
        "`at_version` and `at` return its state at that version or moment. Sensitive answers are masked, and personal "
        "ones without the right `answers:pii`. `gates` are the products that the tenant may not sell now, without a "
        "producer license or a carrier appointment; they are beside `eligibility` and no part of it.",
        query=ReadQuery,
        responses={200: shapes.CopyShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ReadQuery) -> HttpResponse:
        return (None if query.is_past else self._respond_by_head(id)) or self._respond_in_full(id, query)

    def _respond_by_head(self, copy_id: UUID) -> HttpResponse | None:
        """Return the response to a caller who has the present state, or whose response to it is stored: by the head of
        the copy alone. None for all others.
        """
        slot = slot_of(copy_id, tenant=self.tenant, actor=self.actor)
        may_repeat = self.selection is None and response_store.copies.has(slot)
        if not may_repeat and not self.has_tags:
            return None
        head, permissions = find_head(copy_id, scope=self.tenant, actor=self.actor)
        state = state_of(head, permissions.stamp)
        etag = tag_of(head, state)
        if self.is_fresh(etag):
            return self.respond_unchanged(etag)
        content = response_store.copies.find(slot, state) if may_repeat else None
        return None if content is None else self.respond_with_content(content, etag=etag)

    def _respond_in_full(self, copy_id: UUID, query: ReadQuery) -> HttpResponse:
        context = find_copy(self, copy_id, query)
        permissions = permissions_for(context, actor=self.actor)
        state = state_of(context, permissions.stamp)
        etag = tag_of(context, state)
        if self.is_fresh(etag):
            return self.respond_unchanged(etag)
        visibility = visibility_of(context, actor=self.actor)
        shape = copy_shape(context, actor=self.actor, permissions=permissions, visibility=visibility)
        content = self.encode(shape)
        # Each read of personal answers is in the audit log, so none of them is repeated.
        if self.selection is None and not query.is_past and not visibility.personal_shown:
            slot = slot_of(copy_id, tenant=self.tenant, actor=self.actor)
            response_store.copies.put(slot, state, content)
        return self.respond_with_content(content, etag=etag)

    @documented(
        "Change a copy",
        "Changes the copy's title, or transfers it to another user of the tenant (`owner_id`). A field that is left "
        "out remains unchanged.",
        body=CopyChange,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID, *, body: CopyChange) -> HttpResponse:
        self.require_body()
        owner_id = checked_owner(body.owner_id, tenant=self.tenant)

        def change(context: BatchContext) -> None:
            if body.title is not UNSET:
                with errors_of_field("/title"):
                    context.changeset.copy.rename(body.title)
            if owner_id is not UNSET:
                context.changeset.copy.own(owner_id)

        return save_copy(self, id, change=change, respond=respond_with_copy)

    @documented(
        "Delete a copy",
        "Hides the copy until it is restored; nothing is erased. The last copy of a form (409 `last_copy`) and its "
        "base (409 `base_copy`) cannot be deleted. A copy that is deleted remains unchanged.",
        body=Nothing,
        responses={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        opener = exact_copy(self, id, deleted_too=True)
        return save(self, opener, change=lambda context: context.changeset.copy.delete(), respond=no_content)


class RestoreCopy(Endpoint):
    """The restoring of a deleted copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Restore a copy",
        "Restores a deleted copy with all its answers. A copy that is not deleted remains unchanged.",
        body=Nothing,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        opener = exact_copy(self, id, deleted_too=True)
        return save(self, opener, change=lambda context: context.changeset.copy.restore(), respond=respond_with_copy)


class LockCopy(Endpoint):
    """The locking of a copy by hand."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Lock a copy",
        "A locked copy accepts no changes (423 `copy_locked`, with who locked it, when and why) until it is unlocked. "
        "A copy that is locked keeps its lock and its reason.",
        body=LockInput,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: LockInput) -> HttpResponse:
        def change(context: BatchContext) -> None:
            with errors_of_field("/reason"):
                context.changeset.copy.lock(reason=body.reason)

        return save_copy(self, id, change=change, respond=respond_with_copy)


class UnlockCopy(Endpoint):
    """The unlocking of a copy by hand."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Unlock a copy",
        "Allows changes again. A copy that is not locked remains unchanged.",
        body=Nothing,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return save_copy(self, id, change=lambda context: context.changeset.copy.unlock(), respond=respond_with_copy)


class MakeBase(Endpoint):
    """The marking of a copy as the base of its form."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Make a copy the base",
        "The base is the copy with which the form's other copies are compared: at first the default copy. The copy "
        "that was the base loses the mark. A copy that is the base remains unchanged.",
        body=Nothing,
        responses={200: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return save_copy(self, id, change=lambda context: context.changeset.copy.make_base(), respond=respond_with_copy)


def respond_with_copy(context: BatchContext, result: SaveResult, value: object) -> StoredResponse:
    """Return the response with the saved copy."""
    return json_response(saved_copy(context, result), version=result.version)
