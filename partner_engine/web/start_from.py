"""The page that starts a form from an earlier one: for the next term, or as a clone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from forms.selectors import list_forms
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from presentation.formats import moment
from presentation.visibility import Reader
from search.form_search import rank_forms
from tenants.access import Right

if TYPE_CHECKING:
    from forms.selectors import ListedForm

#: The most forms that are offered.
MOST: Final = 12


@dataclass(frozen=True)
class _Earlier:
    """An earlier form, with the key of its buttons: a second press leads to the same new form."""

    copy_id: UUID
    insured: str
    touched: str
    key: str


@require_GET
@for_agents(Right.WRITE_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List forms to start from, last touched first; the query parameter ``q`` searches and ranks."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    names, reader = InsuredNames(Reader.for_actor(agent.actor)), agent.reader
    rows = [
        _Earlier(
            copy_id=copy.pk,
            insured=names.of(copy, copy.catalogue) or copy.title or "New application",
            touched=moment(copy.last_touched_by_user_at, reader.zone, now=reader.now)
            if copy.last_touched_by_user_at
            else "",
            key=uuid4().hex,
        )
        for copy in _found(query, personal=agent.actor.may(Right.READ_PERSONAL))
    ]
    template = "web/parts/start_from.html" if request.headers.get("HX-Request") == "true" else "web/start_from.html"
    return render(request, template, agent.context(rows=rows, query=query))


def _found(query: str, *, personal: bool) -> list[ListedForm]:
    copies = list_forms(tests=False)
    if not query:
        return list(copies.order_by(F("last_touched_by_user_at").desc(nulls_last=True), "-id")[:MOST])
    ranked = rank_forms(copies, query, personal=personal, offset=0, limit=MOST)
    rows = {copy.pk: copy for copy in copies.filter(pk__in=[match.copy_id for match in ranked])}
    # A form can be deleted between the two queries.
    return [rows[match.copy_id] for match in ranked if match.copy_id in rows]
