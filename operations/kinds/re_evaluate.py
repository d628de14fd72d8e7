"""The kind that decides copies anew: with the current release, or with another published one to compare.

A copy is always stored with the decision of its catalogue's current release. So another release is only compared: the
result of an item states what it would decide, and nothing is saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from batch.context import BatchContext
from batch.errors import BatchError
from catalogue import releases
from catalogue.models import Release
from catalogue.release_history import renames_between
from decisions.decide_many import StoredCopy, decide_one
from operations.kinds.copy_kind import CopyIsBound, CopyItem, CopyKind, Done, moved_between, read_copies
from operations.kinds.kind import ItemEnd, Refusal, Work
from operations.models import OperationItem
from tenants.access import Actor
from tenants.models import Tenant


class ReleaseArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of a published release to compare with; by default the current one decides, and is saved.

    ``catalogue`` names the catalogue of the number, by default the tenant's; copies of others are refused.
    """

    release: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    catalogue: Annotated[str, msgspec.Meta(max_length=64)] = ""


class OtherRelease(BatchError):
    """The release is one of another catalogue than the form's."""

    code = "other_catalogue"
    sentence = "This form has another catalogue than the release."


class Undecidable(BatchError):
    """The release cannot decide the copy."""

    code = "undecidable"
    sentence = "This copy cannot be decided. Report its id to support."


class ReEvaluate(CopyKind[CopyItem, ReleaseArguments]):
    """Decides copies anew."""

    code: ClassVar[str] = "re_evaluate"
    title: ClassVar[str] = "Decide again"
    description: ClassVar[str] = (
        "Decides copies with the current release and saves those whose decision changes. With an older or newer "
        "published release it only reports what that one would decide."
    )
    arguments_type = ReleaseArguments
    can_undo: ClassVar[bool] = False

    def refuse_arguments(self, arguments: ReleaseArguments, *, tenant: Tenant, actor: Actor) -> Refusal | None:
        """Return a refusal for a release that was never published."""
        if arguments.release is None or _release_id(arguments, tenant) is not None:
            return None
        text = f"The catalogue has no published release {arguments.release}."
        detail = {"pointer": "/arguments/release", "code": "unknown_release", "detail": text}
        return Refusal(code="unknown_release", detail=text, errors=(detail,))

    def change(self, context: BatchContext, item: CopyItem, work: Work[ReleaseArguments]) -> Done:
        """Change nothing: the save decides, and writes what is decided otherwise."""
        return Done(result={"release": context.release.number})

    def run(self, items: Sequence[tuple[OperationItem, CopyItem]], work: Work[ReleaseArguments]) -> list[ItemEnd]:
        """Decide a chunk; see ``Kind.run``."""
        if work.arguments.release is None:
            return super().run(items, work)
        work.actor.require(self.right)
        release_id = _release_id(work.arguments, work.tenant)
        if release_id is None:
            gone = Refusal(code="unknown_release", detail="The release no longer exists.")
            return [ItemEnd(item_id=row.id, refusal=gone) for row, _ in items]
        release = releases.get(release_id)
        if release.id == releases.current_id(release.catalogue_code, tenant_id=work.tenant.id):
            return super().run(items, work)
        return read_copies(items, work, partial(_compared, release=release))


def _release_id(arguments: ReleaseArguments, tenant: Tenant) -> int | None:
    code = arguments.catalogue or tenant.catalogue
    found = Release.objects.filter(catalogue__code=code, number=arguments.release or 0)
    release_id: int | None = found.values_list("id", flat=True).first()
    return release_id


def _compared(context: BatchContext, *, release: releases.CompiledRelease) -> dict[str, Any]:
    """Return what ``release`` would decide on a copy. Raises ``CopyIsBound``, ``OtherRelease``, ``Undecidable``."""
    if context.loaded.is_bound:
        raise CopyIsBound
    if context.form.catalogue != release.catalogue_code:
        raise OtherRelease
    saved_under = context.copy.release_id
    stored = StoredCopy(
        id=context.copy.id,
        tenant_id=context.scope.id,
        as_of=context.save_context.as_of,
        document=context.copy.document,
        key=context.copy.key,
        renames=() if saved_under in (None, release.id) else renames_between(saved_under, release.id),
    )
    decided = decide_one(stored, release)
    if decided.error:
        raise Undecidable
    _, present = context.current_view()
    return {"release": release.number, "eligibility": moved_between(present, decided.evaluation)}
