"""The list of a tenant's application forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from catalogue import releases
from decisions.listing import in_state, present_rows
from forms.models import QuoteRequest
from forms.selectors import list_forms
from forms.states import State
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.pages.forms_list import QUOTE_STATES, TABS, build_form_line
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.quote_records import quotes_by_copy
from presentation.state_words import FORM_STATES
from presentation.visibility import Reader
from search.form_search import rank_forms
from tenants.access import Right
from webhooks.selectors import list_disabled_by_product

if TYPE_CHECKING:
    from forms.selectors import ListedForm

PAGE: Final = 25
_MOST_PAGES: Final = 1000


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the application forms, last touched first.

    The query parameter ``q`` searches and ranks, ``state`` filters, and ``page`` selects a page.
    """
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    wanted = request.GET.get("state", "")
    state = wanted if wanted in get_args(State) else ""
    quoted = wanted if wanted in QUOTE_STATES else ""
    page = min(int(number[:9]), _MOST_PAGES) if (number := request.GET.get("page", "")).isdecimal() else 1
    may_search_personal = agent.actor.may(Right.READ_PERSONAL)
    copies = list_forms(deleted=state == "deleted")
    if state:
        copies = in_state(copies, state)  # type: ignore[arg-type]
    if quoted:
        own = QuoteRequest.objects.filter(copy_id=OuterRef("pk"), state__in=QUOTE_STATES[quoted][1])
        copies = copies.filter(Exists(own))
    listed = _page(copies, query, may_search_personal, first=(max(page, 1) - 1) * PAGE)
    rows = present_rows(listed[:PAGE], state=state or None)  # type: ignore[arg-type]
    names = InsuredNames(Reader.for_actor(agent.actor))
    quotes = quotes_by_copy([str(copy.pk) for copy in rows], today=_clock(agent).today)
    shown = agent.context(
        rows=[_line(copy, agent, names, quotes.get(str(copy.pk), ())) for copy in rows],
        query=query,
        state=state or quoted,
        states=[*FORM_STATES.items(), *((code, word) for code, (word, _) in QUOTE_STATES.items())],
        tabs=TABS,
        may_write=agent.reader.may_write,
        may_select=agent.may_operate and state != "deleted",
        all_address=f"{reverse('web:new-operation')}{_query(q=query, state=state, all='1')}",
        given_up=list_disabled_by_product() if agent.actor.may(Right.MANAGE_WEBHOOKS) else (),
        previous=_address(query, state or quoted, page - 1) if page > 1 else "",
        next=_address(query, state or quoted, page + 1) if len(listed) > PAGE else "",
    )
    template = "web/parts/forms_results.html" if request.headers.get("HX-Request") == "true" else "web/forms.html"
    return render(request, template, shown)


def _page(copies: QuerySet[ListedForm], query: str, personal: bool, *, first: int) -> list[ListedForm]:
    """Return one page and one further row, ranked by ``query`` or else ordered by the last touch."""
    if not query:
        copies = copies.order_by(F("last_touched_by_user_at").desc(nulls_last=True), "-id")
        return list(copies[first : first + PAGE + 1])
    ranked = rank_forms(copies, query, personal=personal, offset=first, limit=PAGE + 1)
    rows = {copy.pk: copy for copy in copies.filter(pk__in=[match.copy_id for match in ranked])}
    # A form can be deleted between the two queries.
    return [rows[match.copy_id] for match in ranked if match.copy_id in rows]


def _line(copy: ListedForm, agent: Agent, names: InsuredNames, quotes: tuple[QuoteFacts, ...]) -> object:
    try:
        catalogue = releases.current(copy.catalogue, tenant_id=agent.tenant.id).compiled
    except releases.NoRelease:
        catalogue = None
    insured = names.of(copy, copy.catalogue)
    return build_form_line(copy, catalogue, insured=insured, clock=_clock(agent), quotes=quotes)


def _clock(agent: Agent) -> Clock:
    reader = agent.reader
    return Clock(reader.zone, reader.now)


def _address(query: str, state: str, page: int) -> str:
    return f"{reverse('web:forms')}{_query(q=query, state=state, page=page)}"


def _query(**values: str | int) -> str:
    parameters = QueryDict(mutable=True)
    parameters.update({name: str(value) for name, value in values.items() if value})
    return f"?{parameters.urlencode()}"
