"""The worklist: a tenant's application forms in saved views, with search, filters and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast, get_args
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from catalogue import releases
from catalogue.selectors import list_published_catalogues
from decisions.listing import in_state, present_rows
from forms.models import GuestLink
from forms.selectors import list_deleted_forms, list_forms
from forms.states import State
from forms.worklist import (
    InvalidPosition,
    Position,
    count_views,
    decode_position,
    encode_position,
    filtered,
    in_view,
    page_in_order,
    with_quote,
)
from forms.worklist_views import MATCH, QUOTE_STATES, Counts, Viewer
from operations.kinds.registry import KINDS
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.pages.forms_list import FormLine, LineFacts, Owner, build_form_line
from partner_engine.web.pages.operation_fields import OFFERED
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.worklist import (
    EMPTY_WORDS,
    ME,
    NOBODY,
    ORDER_CHOICES,
    Wanted,
    build_chips,
    build_heads,
    build_tabs,
    can_be_queried,
    count_words,
    dates_words,
    order_words,
    read_address,
)
from partner_engine.web.quote_records import quotes_by_copy
from presentation.formats import counted
from presentation.visibility import Reader
from rules.definition.model import CompiledCatalogue
from rules.reference_data import state_names
from search.form_search import Ranked, rank_forms, search_forms
from tenants.access import Right
from tenants.models import User
from webhooks.selectors import list_disabled_by_product

if TYPE_CHECKING:
    from forms.selectors import ListedForm

PAGE: Final = 25
#: The people that the filter by owner offers.
_MOST_PEOPLE: Final = 200


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the application forms of the view in ``view``, last touched first.

    ``q`` searches and ranks; ``line``, ``us_state``, ``carrier`` (several each), ``owner``, ``state``, ``from`` and
    ``to`` filter; ``sort`` orders; ``after`` is the position of a page. A request by htmx gets only the list.
    """
    names = InsuredNames(Reader.for_actor(agent.actor))
    wanted = _visible(read_address(request.GET), names.hidden_facts(agent.tenant.catalogue, agent.tenant.id))
    viewer = Viewer(user_id=agent.user.pk, today=_clock(agent).today, now=_clock(agent).now)
    listed, following = _page(wanted, viewer, agent)
    rows = present_rows(listed, state=_present_state(wanted))
    people = _people(agent, rows)
    catalogues = list_published_catalogues(first=agent.tenant.catalogue)
    counts = count_views(viewer=viewer)
    address = reverse("web:forms")
    is_part = request.headers.get("HX-Request") == "true"
    shown = agent.context(
        rows=_lines(rows, agent, names, people, is_deleted=wanted.view == "deleted"),
        deleted=_deleted(request.GET.get("deleted", ""), names),
        wanted=wanted,
        query=wanted.query,
        tabs=build_tabs(wanted, counts),
        heads=build_heads(wanted),
        chips=_chips(wanted, agent, [code for code, _ in catalogues], people),
        orders=ORDER_CHOICES,
        order_words=order_words(wanted),
        dates_chosen=dates_words(wanted),
        total=_total(wanted, counts, rows, is_whole=not (wanted.after or following)),
        is_part=is_part,
        empty=EMPTY_WORDS[wanted.view],
        without_filters=f"{address}{Wanted(view=wanted.view, sort=wanted.sort).address()}",
        may_write=agent.reader.may_write,
        may_select=agent.may_operate and wanted.view != "deleted",
        kinds=[KINDS[code] for code in OFFERED if code in KINDS and agent.actor.may(KINDS[code].right)],
        all_address=_query_address(wanted) if agent.may_operate and can_be_queried(wanted) else "",
        given_up=list_disabled_by_product() if agent.actor.may(Right.MANAGE_WEBHOOKS) else (),
        first=f"{address}{wanted.address()}" if wanted.after else "",
        next=f"{address}{wanted.address(after=following)}" if following else "",
    )
    return render(request, "web/parts/forms_results.html" if is_part else "web/forms.html", shown)


def _visible(wanted: Wanted, hidden: frozenset[str]) -> Wanted:
    """Return ``wanted`` without orders and filters by facts that the reader may not see: they would reveal them."""
    if "us_state" in hidden:
        wanted = replace(wanted, us_states=())
    if "starts_on" in hidden:
        wanted = replace(wanted, starts_from=None, starts_to=None)
    by = {"insured": "insured", "starts": "starts_on"}.get(wanted.sort.removeprefix("-"))
    return replace(wanted, sort="", after="") if by in hidden else wanted


def _page(wanted: Wanted, viewer: Viewer, agent: Agent) -> tuple[list[ListedForm], str]:
    """Return the rows of the page and the position of the next one; an invalid position leads to the first page."""
    copies = _matching(wanted, viewer)
    personal = agent.actor.may(Right.READ_PERSONAL)
    try:
        if wanted.order == MATCH:
            return _page_of_search(copies, wanted.query, personal=personal, limit=PAGE, after=wanted.after)
        copies = search_forms(copies, wanted.query, personal=personal)
        return page_in_order(copies, wanted.order, limit=PAGE, after=wanted.after)
    except InvalidPosition:
        return _page(replace(wanted, after=""), viewer, agent)


def _page_of_search(
    copies: QuerySet[ListedForm], query: str, *, personal: bool, limit: int, after: str
) -> tuple[list[ListedForm], str]:
    """Return the best matches of ``query``, at most ``limit``, and the position of the next page."""
    position = decode_position(after, MATCH) if after else None
    behind = Ranked(position.value or 0, position.id) if position else None
    ranked = rank_forms(copies, query, personal=personal, after=behind, limit=limit + 1)
    shown = ranked[:limit]
    rows = {copy.pk: copy for copy in copies.filter(pk__in=[match.copy_id for match in shown])}
    following = encode_position(Position(MATCH, *shown[-1])) if len(ranked) > limit else ""
    # A form can be deleted between the two queries.
    return [rows[match.copy_id] for match in shown if match.copy_id in rows], following


def _matching(wanted: Wanted, viewer: Viewer) -> QuerySet[ListedForm]:
    copies = in_view(list_deleted_forms() if wanted.view == "deleted" else list_forms(), wanted.view, viewer=viewer)
    state = _present_state(wanted)
    if state:
        copies = in_state(copies, state)
    if wanted.state in QUOTE_STATES:
        copies = with_quote(copies, QUOTE_STATES[wanted.state])
    return filtered(copies, wanted.filters(user_id=viewer.user_id))


def _present_state(wanted: Wanted) -> State | None:
    """Return the state by present decisions that all rows have."""
    if wanted.view == "ready":
        return "ready"
    return cast("State", wanted.state) if wanted.state in get_args(State) else None


def _total(wanted: Wanted, counts: Counts, rows: Sequence[object], *, is_whole: bool) -> str:
    """Return how many forms the list has, as far as that is known without counting them."""
    if wanted.is_narrowed or wanted.view not in counts.by_view:
        return counted(len(rows), "form") if is_whole else f"{PAGE}+ forms"
    number = counts.by_view[wanted.view]
    return f"{count_words(number, is_whole=counts.is_whole)} form{'' if number == 1 else 's'}"


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
                owner=_owner(people.get(copy.owner_id) if copy.owner_id else None, agent),
                waits_for_guest=copy.pk in waiting,
                is_deleted=is_deleted,
            ),
            clock=clock,
        )
        for copy in rows
    ]


def _deleted(copy_id: str, names: InsuredNames) -> dict[str, object] | None:
    """Return id and name of the form that was just deleted, None if it is not deleted any more."""
    try:
        copy = list_deleted_forms().filter(pk=UUID(copy_id)).first()
    except ValueError:
        return None
    return {"id": copy.pk, "name": names.of(copy, copy.catalogue) or copy.title} if copy else None


def _owner(user: User | None, agent: Agent) -> Owner | None:
    if user is None:
        return None
    name = user.full_name or user.email
    initials = "".join(word[0] for word in name.replace(".", " ").split()[:2]).upper()
    return Owner(initials, name, user.pk == agent.user.pk)


def _people(agent: Agent, rows: Sequence[Any]) -> Mapping[UUID, User]:
    """Return the people of the tenant by id: the possible owners of forms, and the owners of the rows."""
    users = User.objects.filter(tenant=agent.tenant).order_by("full_name", "email")
    found = {user.pk: user for user in users[:_MOST_PEOPLE]}
    missing = {row.owner_id for row in rows if row.owner_id} - found.keys()
    return found | ({user.pk: user for user in users.filter(pk__in=missing)} if missing else {})


def _chips(wanted: Wanted, agent: Agent, catalogues: Sequence[str], people: Mapping[UUID, User]) -> object:
    known = [compiled for code in catalogues if (compiled := _catalogue(code, agent)) is not None]
    owners = {str(pk): user.full_name or user.email for pk, user in people.items() if pk != agent.user.pk}
    return build_chips(
        wanted,
        lines={line.code: line.label for compiled in reversed(known) for line in compiled.definition.lines},
        us_states={code: name.title().replace(" Of ", " of ") for name, code in state_names().items()},
        carriers={
            carrier.code: carrier.name for compiled in reversed(known) for carrier in compiled.definition.carriers
        },
        owners={ME: "Me", **owners, NOBODY: "Nobody"},
    )


def _query_address(wanted: Wanted) -> str:
    """Return the address of the page that starts an operation on all forms of the list."""
    owner = ME if wanted.view == "mine" else wanted.owner
    address = f"{reverse('web:new-operation')}{wanted.address(view='all', sort='', owner='')}"
    return (
        f"{address}{'&' if '=' in address else ''}{urlencode({'all': '1', **({'of_owner': owner} if owner else {})})}"
    )


def _catalogue(code: str, agent: Agent) -> CompiledCatalogue | None:
    try:
        return releases.current(code, tenant_id=agent.tenant.id).compiled
    except releases.NoRelease:
        return None


def _clock(agent: Agent) -> Clock:
    reader = agent.reader
    return Clock(reader.zone, reader.now)
