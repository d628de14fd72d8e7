"""The shell of a form's page: loads the form's copies and builds the page model."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from django.http import HttpRequest

from batch.context import BatchContext
from decisions.listing import present_rows
from forms.selectors import list_copies
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import ANSWERS, VIEWS, Shell, build_shell
from partner_engine.web.visitors import Visitor

#: Names the view that a page shows, by its code; a page without a row of tabs does not send it.
VIEW_HEADER: Final = "X-View"
#: Requests a view without the page around it, for the switch to another copy.
PART_HEADER: Final = "X-Part"
_ROUTES: Final = {code: route for code, _, route in VIEWS}


def shell_of(context: BatchContext, reading: Reading, visitor: Visitor, *, route: str = ANSWERS) -> Shell:
    """Return the shell around the view ``route`` of the context's copy, as the visitor may see it."""
    return shell_around(reading, route=route)


def shell_around(reading: Reading, *, route: str = ANSWERS) -> Shell:
    """Return the shell around the view ``route`` of the copy in ``reading``."""
    if reading.reader.is_guest:
        # Guests must not learn about the form's other copies.
        return build_shell(reading, (), route=route)
    copies = present_rows(list_copies(UUID(reading.facts.form_id), archived=True))
    shell = build_shell(reading, copies, route=route)
    return replace(shell, clone_key=uuid4().hex if reading.reader.may_write else "")


def shown_route(request: HttpRequest) -> str:
    """Return the URL name of the view that the page of ``request`` shows, "" if it needs no tabs."""
    return _ROUTES.get(request.headers.get(VIEW_HEADER, ""), "")


def page_around(request: HttpRequest) -> str:
    """Return the template around a view: the whole page, or nothing for the switch to another copy."""
    return "web/part.html" if request.headers.get(PART_HEADER) == "view" else "web/base.html"
