"""The shell of a form's page for a visitor: loads the form's copies and builds the page model."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from batch.context import BatchContext
from copies.codec import UnreadableDocument, decode_document
from copies.document import Document
from copies.models import Copy
from decisions.listing import present_rows
from forms.selectors import list_copies
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import ANSWERS, VIEWS, Shell, build_shell
from partner_engine.web.visitors import Visitor
from tenants.access import Right

#: Names the view that a page shows, by its code; pages without a row of tabs need none in a response.
VIEW_HEADER: Final = "X-View"
#: Requests a view without the page around it, for the switch to another copy.
PART_HEADER: Final = "X-Part"
_ROUTES: Final = {code: route for code, _, route in VIEWS}


def shell_of(context: BatchContext, reading: Reading, visitor: Visitor, *, route: str = ANSWERS) -> Shell:
    """Return the shell around the view ``route`` of the context's copy, as the visitor may see it."""
    # Guests must not learn about the form's other copies.
    copies = [] if visitor.guest else present_rows(list_copies(context.form.id))
    return build_shell(reading, copies, route=route, may_add=visitor.actor.may(Right.WRITE_FORMS))


def shown_route(request: HttpRequest) -> str:
    """Return the URL name of the view that the page of ``request`` shows, "" if it needs no tabs."""
    return _ROUTES.get(request.headers.get(VIEW_HEADER, ""), "")


def page_around(request: HttpRequest) -> str:
    """Return the template around a view: the whole page, or nothing for the switch to another copy."""
    return "web/part.html" if request.headers.get(PART_HEADER) == "view" else "web/base.html"


def base_loader(context: BatchContext, visitor: Visitor) -> partial[Document | None] | None:
    """Return the function that loads the document of the form's base, None for the base itself and for guests."""
    if visitor.guest or context.loaded.is_base:
        return None
    return partial(_load_base, context.form.fields.base_copy_id or context.form.id)


def _load_base(copy_id: UUID) -> Document | None:
    base = Copy.objects.filter(pk=copy_id, deleted_at=None).only("document").first()
    try:
        return decode_document(bytes(base.document)) if base else None
    except UnreadableDocument:
        return None
