"""``POST /copies/{id}/merge``: merge another copy into this one by picks, or plan it; and undo a merge."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import VersionMismatch
from batch.idempotency import StoredResponse
from copies.merge import Difference
from copies.picks import Picked
from partner_engine.api import merge_shapes
from partner_engine.api.bodies import DryRunQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.copy_response import changes_shape
from partner_engine.api.http.conditional import expected_version, version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.idempotency import idempotency_key
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from partner_engine.problems import Refused
from scenarios.merge import MergePlan, carry_out, plan_merge, require_picks, undo_merge
from tenants.access import Right

DESCRIPTION = (
    "Merges the copy `from_copy` into this one: a three-way merge of their states since their common ancestor, which "
    "an earlier merge or the copying left. Plan it first with `dry_run=true`: the response lists every difference, "
    "clashes first, with its `id`, and the effect of the picks so far; nothing is written. Then send the picks with "
    "the two versions of the plan, `If-Match` and `from_version`. Something that was edited in one copy and removed in "
    "the other is always a clash. A merge is one save; refused clashes and picks are in `errors`, by the id of the "
    "difference. Answers keep their authors, sensitive answers are never compared."
)


class Merge(Endpoint):
    """The merging of another copy into a copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Merge a copy",
        DESCRIPTION,
        body=merge_shapes.MergeInput,
        query=DryRunQuery,
        responses={200: merge_shapes.MergeShape},
        write=True,
        tagged=True,
    )
    def post(
        self, request: Request, id: UUID, *, body: merge_shapes.MergeInput, query: DryRunQuery
    ) -> HttpResponse:  # fmt: skip
        self.actor.require(Right.READ_FORMS)
        if query.dry_run:
            return self._plan(id, body)
        self._require_versions(body)

        def change(context: BatchContext) -> tuple[MergePlan, Picked]:
            plan, picked = self._apply(context, body)
            require_picks(picked)
            return plan, picked

        return save_copy(self, id, change=change, respond=_respond_to_merge)

    def _plan(self, id: UUID, body: merge_shapes.MergeInput) -> HttpResponse:
        """Return the plan and the effect of the picks so far."""
        idempotency_key(self)
        expected = expected_version(self.request.headers.get("If-Match"))
        context = find_copy(self, id, ReadQuery())
        if expected is not None and expected != context.version:
            raise VersionMismatch(expected=expected, actual=context.version)
        plan, picked = self._apply(context, body)
        shape = _merge_shape(context, context.preview(), plan, picked, dry_run=True)
        return self.respond_in_full(shape, version_tag(context.version))

    def _apply(self, context: BatchContext, body: merge_shapes.MergeInput) -> tuple[MergePlan, Picked]:
        plan = plan_merge(
            context.changeset, body.from_copy, scope=self.tenant, expected_version=body.from_version
        )  # fmt: skip
        picked = plan.pick(body.picks, others=body.others)
        carry_out(context.changeset, plan, picked)
        return plan, picked

    def _require_versions(self, body: merge_shapes.MergeInput) -> None:
        """Raise ``Refused`` where the caller does not say which versions the picks are based on."""
        if body.from_version is None:
            raise Refused.field("/from_version", "Send the version of the other copy that your picks are based on.")
        if "If-Match" not in self.request.headers:
            detail = "Send `If-Match` with the version of this copy that your picks are based on."
            raise Refused(428, "precondition_required", detail)


class UndoMerge(Endpoint):
    """The undoing of a merge."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Undo a merge",
        "Takes back in one save what a merge has set, except where somebody has changed it since (`kept`). The "
        "differences are offered again by the next merge. 409 `no_merge_to_undo` without such a merge.",
        body=merge_shapes.UndoInput,
        responses={200: merge_shapes.UndoShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: merge_shapes.UndoInput) -> HttpResponse:
        self.actor.require(Right.READ_FORMS)

        def change(context: BatchContext) -> list[Difference]:
            return undo_merge(context.changeset, body.version, scope=self.tenant)

        return save_copy(self, id, change=change, respond=_respond_to_undo)


def _respond_to_merge(context: BatchContext, result: SaveResult, merged: tuple[MergePlan, Picked]) -> StoredResponse:
    return json_response(_merge_shape(context, result, *merged), version=result.version)


def _respond_to_undo(context: BatchContext, result: SaveResult, kept: list[Difference]) -> StoredResponse:
    changed = changes_shape(context, result, actor=context.save_context.actor)
    shape = merge_shapes.UndoShape(kept=[found.path for found in kept], result=changed)
    return json_response(shape, version=result.version)


def _merge_shape(
    context: BatchContext, result: SaveResult, plan: MergePlan, picked: Picked, *, dry_run: bool = False
) -> merge_shapes.MergeShape:
    actor, source = context.save_context.actor, plan.source
    visibility = visibility_of(context, actor=actor)
    unpicked = [found.id for found in picked.unpicked]
    sides = {identity: side for identity, side in picked.sides.items() if identity not in unpicked}
    differences = [merge_shapes.difference_shape(found, sides, visibility) for found in plan.differences]
    note_personal_read(actor=actor, copy_id=context.copy.id, count=visibility.personal_shown)
    ancestor = merge_shapes.MergedVersion(str(plan.base.copy_id), plan.base.number) if plan.base else None
    return merge_shapes.MergeShape(
        from_copy=merge_shapes.MergedVersion(str(source.copy.id), source.version),
        ancestor=ancestor,
        differences=differences,
        unpicked=unpicked,
        result=changes_shape(context, result, actor=actor, dry_run=dry_run),
    )
