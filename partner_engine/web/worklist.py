"""The worklist: a tenant's application forms in saved views, with search, filters and orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from catalogue import releases
from catalogue.selectors import list_published_catalogues
from decisions.listing import present_rows
from forms.models import GuestLink
from forms.selectors import list_deleted_forms, list_used_catalogues
from forms.worklist import count_deleted_forms, count_test_forms, count_views
from forms.worklist_views import VIEW_FACTS, Counts, Viewer
from operations.kinds.kind import Kind
from operations.kinds.registry import KINDS
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.form_owners import build_owner, people_of
from partner_engine.web.pages.forms_list import FormLine, LineFacts, build_form_line
from partner_engine.web.pages.operation_fields import OFFERED
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.worklist import (
    EMPTY_WORDS,
    build_chips,
    build_heads,
    build_tabs,
    can_be_queried,
    dates_words,
    order_choices,
    order_words,
    view_count,
)
from partner_engine.web.pages.worklist_address import ME, NOBODY, Wanted, read_address, readable
from partner_engine.web.quote_records import quotes_by_copy
from partner_engine.web.selected_forms import MOST_SELECTED
from partner_engine.web.worklist_rows import PAGE, load_page, present_state
from presentation.formats import counted
from presentation.visibility import Reader
from rules.definition.model import CompiledCatalogue
from rules.reference_data import state_names
from tenants.access import Right
from tenants.models import User
from webhooks.selectors import list_disabled_by_product

if TYPE_CHECKING:
    from forms.selectors import ListedForm


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the application forms of the view in ``view``, last touched first.

    ``q`` searches and ranks; ``line``, ``us_state``, ``carrier`` (several each), ``owner``, ``state``, ``from`` and
    ``to`` filter; ``sort`` orders; ``after`` is the position of a page. A request by htmx gets only the list.
    """
    names = InsuredNames(Reader.for_actor(agent.actor))
    catalogues = [code for code, _ in list_published_catalogues(first=agent.tenant.catalogue)]
    hidden = _hidden_facts(catalogues, names, agent)
    wanted = readable(read_address(request.GET), hidden)
    viewer = Viewer(user_id=agent.user.pk, today=_clock(agent).today, now=_clock(agent).now)
    listed, following = load_page(wanted, viewer, agent)
    rows = present_rows(listed, state=present_state(wanted))
    people = people_of(agent, rows)
    counts = _counts(viewer, hidden)
    address = reverse("web:forms")
    may_select = agent.actor.may(Right.WRITE_FORMS) and wanted.view != "deleted"
    is_part = request.headers.get("HX-Request") == "true"
    shown = agent.context(
        rows=_lines(rows, agent, names, people, is_deleted=wanted.view == "deleted"),
        deleted=_deleted(request.GET, names),
        here=here if len(here := wanted.address()) > 1 else "",
        wanted=wanted,
        tabs=build_tabs(wanted, counts, hidden=hidden),
        heads=build_heads(wanted, hidden=hidden),
        chips=_chips(wanted, agent, hidden, catalogues=catalogues, people=people),
        orders=order_choices(hidden),
        shows_dates="starts_on" not in hidden,
        order_words=order_words(wanted),
        dates_chosen=dates_words(wanted),
        total=_total(wanted, counts, rows, is_whole=not (wanted.after or following)),
        is_part=is_part,
        empty=EMPTY_WORDS[wanted.view],
        without_filters=f"{address}{Wanted(view=wanted.view, sort=wanted.sort).address()}",
        may_write=agent.reader.may_write,
        # A selection can be deleted without operations.
        may_select=may_select,
        kinds=_offered_kinds(agent) if may_select else (),
        all_address=_query_address(wanted) if agent.may_operate and can_be_queried(wanted) else "",
        given_up=list_disabled_by_product() if agent.actor.may(Right.MANAGE_WEBHOOKS) else (),
        first=f"{address}{wanted.address()}" if wanted.after else "",
        next=f"{address}{wanted.address(after=following)}" if following else "",
    )
    return render(request, "web/parts/forms_results.html" if is_part else "web/forms.html", shown)


def _offered_kinds(agent: Agent) -> list[Kind[Any, Any]]:
    """Return the kinds of operations that the agent may start on a selection."""
    if not agent.may_operate:
        return []
    return [KINDS[code] for code in OFFERED if code in KINDS and agent.actor.may(KINDS[code].right)]


def _hidden_facts(catalogues: Sequence[str], names: InsuredNames, agent: Agent) -> frozenset[str]:
    """Return the facts that the reader may not see in one of the ``catalogues`` of the tenant's forms."""
    hiding = {code: hidden for code in catalogues if (hidden := names.hidden_facts(code, agent.tenant.id))}
    used = list_used_catalogues(list(hiding)) if hiding else ()
    return frozenset[str]().union(*(hiding[code] for code in used))


def _counts(viewer: Viewer, hidden: Collection[str]) -> Counts:
    """Return the numbers of forms of the views that read no hidden fact."""
    without = [view for view, fact in VIEW_FACTS.items() if fact in hidden]
    counts = count_views(viewer=viewer, without=without)
    return replace(counts, deleted=count_deleted_forms(), tests=count_test_forms())


def _total(wanted: Wanted, counts: Counts, rows: Sequence[object], *, is_whole: bool) -> str:
    """Return how many forms the list has, as far as that is known without counting them."""
    number = view_count(counts, wanted.view)
    if wanted.is_narrowed or not number:
        return counted(len(rows), "form") if is_whole else f"{PAGE}+ forms"
    return f"{number} form{'' if number == '1' else 's'}"


def _lines(
    rows: Sequence[ListedForm], agent: Agent, names: InsuredNames, people: Mapping[UUID, User], *, is_deleted: bool
) -> list[FormLine]:
    clock = _clock(agent)
    ids = [copy.pk for copy in rows]
    quotes = quotes_by_copy(map(str, ids), today=clock.today)
    links = GuestLink.objects.filter(copy_id__in=ids, finished_at=None, revoked_at=None, expires_at__gt=clock.now)
    waiting = set(links.order_by().values_list("copy_id", flat=True))
    catalogues = {copy.catalogue: _catalogue(copy.catalogue, agent) for copy in rows}
    return [
        build_form_line(
            copy,
            catalogues[copy.catalogue],
            LineFacts(
                business=names.business(copy, copy.catalogue),
                quotes=quotes.get(str(copy.pk), ()),
                owner=build_owner(people.get(copy.owner_id) if copy.owner_id else None, agent),
                waits_for_guest=copy.pk in waiting,
                is_deleted=is_deleted,
                is_test=copy.is_test,
                shows_lines="lines" not in names.hidden_facts(copy.catalogue, agent.tenant.id),
            ),
            clock=clock,
        )
        for copy in rows
    ]


def _deleted(sent: QueryDict, names: InsuredNames) -> dict[str, object] | None:
    """Return ids, number and first name of the forms that were just deleted, None if they are no longer deleted."""
    try:
        ids = list(map(UUID, sent.getlist("deleted")[:MOST_SELECTED]))
    except ValueError:
        return None
    rows = list(list_deleted_forms().filter(pk__in=ids)) if ids else []
    if not rows:
        return None
    of = sent.get("of", "")
    name = (names.of(rows[0], rows[0].catalogue) or rows[0].title) if len(rows) == 1 else ""
    return {
        "ids": [row.pk for row in rows],
        "name": name,
        "words": "the form" if len(rows) == 1 else counted(len(rows), "form"),
        "of": int(of) if of.isdecimal() and len(of) < 4 else 0,
    }


def _chips(
    wanted: Wanted, agent: Agent, hidden: Collection[str], *, catalogues: Sequence[str], people: Mapping[UUID, User]
) -> object:
    known = [compiled for code in catalogues if (compiled := _catalogue(code, agent)) is not None]
    owners = {str(pk): user.display_name for pk, user in people.items() if pk != agent.user.pk}
    lines = {line.code: line.label for compiled in reversed(known) for line in compiled.definition.lines}
    us_states = {code: name.title().replace(" Of ", " of ") for name, code in state_names().items()}
    return build_chips(
        wanted,
        lines={} if "lines" in hidden else lines,
        us_states={} if "us_state" in hidden else us_states,
        carriers={
            carrier.code: carrier.name for compiled in reversed(known) for carrier in compiled.definition.carriers
        },
        owners={ME: "Me", **owners, NOBODY: "Nobody"},
    )


def _query_address(wanted: Wanted) -> str:
    """Return the address of the page that starts an operation on all forms of the list."""
    owner = ME if wanted.view == "mine" else wanted.owner
    address = f"{reverse('web:new-operation')}{wanted.address(view='all', sort='', owner='')}"
    more = {"all": "1", "quotes": wanted.step or "", "of_owner": owner}
    return f"{address}{'&' if '=' in address else ''}{urlencode({name: text for name, text in more.items() if text})}"


def _catalogue(code: str, agent: Agent) -> CompiledCatalogue | None:
    try:
        return releases.current(code, tenant_id=agent.tenant.id).compiled
    except releases.NoRelease:
        return None


def _clock(agent: Agent) -> Clock:
    reader = agent.reader
    return Clock(reader.zone, reader.now)
