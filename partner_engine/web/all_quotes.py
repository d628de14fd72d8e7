"""The page with the quotes of all forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from catalogue import releases
from forms.models import QuoteRequest
from forms.selectors import list_every_copy
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.pages.all_quotes import SOON, STATES, TABS, build_list
from partner_engine.web.pages.quote_rows import QuoteRowView, RowSource, build_request_row
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.quote_records import conditions_left, shown_facts
from presentation.visibility import Reader
from quoting.selectors import list_all_quote_requests
from rules.definition.model import CompiledCatalogue
from tenants.access import Right

PAGE: Final = 50
_MOST_PAGES: Final = 1000
_CODES: Final = tuple(code for code, _, _ in TABS)


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the quotes of all forms in ``tab``, last changed first; ``page`` selects a page. A request by htmx gets only
    the list.
    """
    tab = request.GET.get("tab", "") if request.GET.get("tab", "") in _CODES else _CODES[0]
    page = min(int(number[:9]), _MOST_PAGES) if (number := request.GET.get("page", "")).isdecimal() else 1
    first = (max(page, 1) - 1) * PAGE
    requests = list_all_quote_requests(tenant=agent.tenant, tests=False)
    listed = list(_in_tab(requests, tab, agent).order_by("-updated_at", "-id")[first : first + PAGE + 1])
    rows = _rows(listed[:PAGE], agent)
    shown = agent.context(
        list=build_list(rows, _numbers(requests, agent), tab),
        address=_address(tab, page),
        previous=_address(tab, page - 1) if page > 1 else "",
        next=_address(tab, page + 1) if len(listed) > PAGE else "",
        now=timezone.now().isoformat(),
        may_write=agent.reader.may_write,
        hides_picks=not agent.reader.may_write,
    )
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "web/parts/all_quotes.html" if is_part else "web/all_quotes.html", shown)


def _in_tab(requests: QuerySet[Any], tab: str, agent: Agent) -> QuerySet[Any]:
    return requests.filter(_condition(tab, agent))


def _condition(tab: str, agent: Agent) -> Q:
    """Return the condition on the requests of a tab."""
    if tab not in STATES:
        return ~Q(shown_state__in=("draft", "withdrawn"))
    condition = Q(shown_state__in=STATES[tab])
    if tab == "expiring":
        condition &= Q(valid_until__lte=_clock(agent).today + SOON)
    return condition


def _numbers(requests: QuerySet[Any], agent: Agent) -> Mapping[str, int]:
    """Return the number of requests in each tab."""
    numbers = {f"in_{code}": Count("pk", filter=_condition(code, agent)) for code in _CODES}
    counted: dict[str, Any] = requests.aggregate(**numbers)
    return {code: counted[f"in_{code}"] for code in _CODES}


def _rows(listed: list[QuoteRequest], agent: Agent) -> tuple[QuoteRowView, ...]:
    """Return the rows of ``listed`` with the insured of each; requests of catalogues without a release are left out."""
    copies = {copy.pk: copy for copy in list_every_copy().filter(pk__in={found.copy_id for found in listed})}
    names = InsuredNames(Reader.for_actor(agent.actor))
    left_to_do = conditions_left(str(found.pk) for found in listed)
    clock = _clock(agent)
    rows = []
    for found in listed:
        copy = copies.get(found.copy_id)
        catalogue = _catalogue(copy.catalogue) if copy is not None else None
        if copy is None or catalogue is None or found.product not in catalogue.products:
            continue
        source = RowSource(
            catalogue=catalogue,
            clock=clock,
            may_write=agent.reader.may_write and copy.locked_at is None,
            left_to_do=left_to_do,
            insured=names.of(copy, copy.catalogue) or copy.title or "New application",
        )
        rows.append(build_request_row(source, shown_facts(found, today=clock.today)))
    return tuple(rows)


def _clock(agent: Agent) -> Clock:
    reader = agent.reader
    return Clock(reader.zone, reader.now)


def _catalogue(code: str) -> CompiledCatalogue | None:
    try:
        return releases.current(code).compiled
    except releases.NoRelease:
        return None


def _address(tab: str, page: int) -> str:
    parameters = QueryDict(mutable=True)
    parameters.update({"tab": tab, **({"page": str(page)} if page > 1 else {})})
    return f"{reverse('web:all-quotes')}?{parameters.urlencode()}"
