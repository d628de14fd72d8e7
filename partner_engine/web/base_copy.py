"""The document of a form's base, which the pages of its other copies show beside their answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from batch.context import BatchContext
from copies.codec import UnreadableDocument, decode_document
from copies.document import Document
from copies.models import Copy
from partner_engine.web.visitors import Visitor


def base_loader(context: BatchContext, visitor: Visitor) -> Callable[[], Document | None]:
    """Return the function that loads the document of the form's base; it gives None for the base itself, for earlier
    versions, and to guests.

    Guests must not learn about the form's other copies.
    """
    if visitor.guest or context.loaded.is_base or context.loaded.is_past:
        return lambda: None
    return partial(_load, context.form.fields.base_copy_id or context.form.id)


def _load(copy_id: UUID) -> Document | None:
    base = Copy.objects.filter(pk=copy_id, deleted_at=None).only("document").first()
    try:
        return decode_document(bytes(base.document)) if base else None
    except UnreadableDocument:
        return None
