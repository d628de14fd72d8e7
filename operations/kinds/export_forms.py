"""The kind that exports forms, and the lines of its file.

An item notes the version that it exports. The file is made when it is downloaded, from the versions noted, and shows
what the person who downloads it may see: so no answer is stored a second time, and what was erased stays erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from batch import service as batch
from batch.context import BatchContext
from batch.errors import BatchError
from operations.export.content import line, of_copy, strictest_visibility
from operations.kinds.copy_kind import NoArguments
from operations.kinds.kind import Work
from operations.kinds.reading_kind import ReadingKind
from operations.models import ItemState, OperationItem
from presentation.visibility import Reader
from tenants.access import Actor, Right
from tenants.models import Tenant


class ExportForms(ReadingKind[NoArguments]):
    """Exports forms."""

    code: ClassVar[str] = "export"
    title: ClassVar[str] = "Export"
    description: ClassVar[str] = (
        "Makes a file of the copies as they are now, one line of JSON each. It shows what the person who downloads it "
        "may see."
    )
    arguments_type = NoArguments

    def read(self, context: BatchContext, work: Work[NoArguments]) -> dict[str, Any]:
        """Return the version that is exported."""
        return {"version": context.version}


def export_lines(items: Iterable[OperationItem], *, tenant: Tenant, actor: Actor) -> Iterator[bytes]:
    """Yield the file of an export line by line, in the order of ``items``: completed copies at their versions, with the
    answers that ``actor`` may see. A copy that was erased since is left out. Raises ``MissingRight``.
    """
    actor.require(Right.READ_FORMS)
    reader = Reader.for_actor(actor)
    for item in items:
        if item.state != ItemState.COMPLETED or item.copy_id is None or item.version_after is None:
            continue
        try:
            context = batch.find(item.copy_id, scope=tenant, actor=actor, archived=True, version=item.version_after)
        except BatchError:
            continue
        yield line(_content(context, reader))


def _content(context: BatchContext, reader: Reader) -> dict[str, Any]:
    """Return a copy as the file shows it. A value is as confidential as the strictest release that the copy went
    through.
    """
    visibility = strictest_visibility(context, reader)
    return {
        "id": context.copy.id,
        "application_form_id": context.form.id,
        "title": context.copy.fields.title,
        "catalogue": context.form.catalogue,
        "release": context.release.number,
        "version": context.version,
        "as_of": context.evaluation.as_of,
        "updated_at": context.copy.updated_at,
        **of_copy(context.copy.document, context.copy.evaluation, visibility),
    }
