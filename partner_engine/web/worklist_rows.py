"""Loads the rows of the worklist: one page of the forms that its address requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast, get_args

from django.db.models import QuerySet

from decisions.listing import in_state
from forms.selectors import list_deleted_forms, list_forms
from forms.states import State
from forms.status_order import NO_STEP
from forms.worklist import (
    InvalidPosition,
    Position,
    at_step,
    decode_position,
    encode_position,
    filtered,
    in_view,
    not_bound,
    page_by_owner,
    page_in_order,
)
from forms.worklist_views import LOCKED, MATCH, OWNER, Viewer
from partner_engine.web.access import Agent
from partner_engine.web.form_owners import list_owners
from partner_engine.web.pages.worklist_address import Wanted
from search.form_search import Ranked, rank_forms, search_forms
from tenants.access import Right

if TYPE_CHECKING:
    from forms.selectors import ListedForm

PAGE: Final = 25


def load_page(wanted: Wanted, viewer: Viewer, agent: Agent) -> tuple[list[ListedForm], str]:
    """Return the rows of the page and the position of the next one; an invalid position leads to the first page."""
    copies = _matching(wanted, viewer)
    personal = agent.actor.may(Right.READ_PERSONAL)
    try:
        if wanted.order == MATCH:
            return _page_of_search(copies, wanted.query, personal=personal, limit=PAGE, after=wanted.after)
        copies = search_forms(copies, wanted.query, personal=personal)
        if wanted.order.removeprefix("-") == OWNER:
            owners = list_owners(agent, descending=wanted.order.startswith("-"))
            return page_by_owner(copies, wanted.order, owners=owners, limit=PAGE, after=wanted.after)
        return page_in_order(copies, wanted.order, limit=PAGE, after=wanted.after)
    except InvalidPosition:
        return load_page(replace(wanted, after=""), viewer, agent)


def present_state(wanted: Wanted) -> State | None:
    """Return the state by present decisions that all rows have."""
    if wanted.view == "ready":
        return "ready"
    return cast("State", wanted.state) if wanted.state in get_args(State) else None


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
    forms = list_deleted_forms() if wanted.view == "deleted" else list_forms(tests=wanted.view == "tests")
    copies = in_view(forms, wanted.view, viewer=viewer)
    state = present_state(wanted)
    if state:
        copies = in_state(copies, state)
    if wanted.state == LOCKED:
        # Binding locks the copy, which is listed as bound.
        copies = not_bound(copies)
    elif wanted.step is not None:
        copies = at_step(copies, wanted.step, today=viewer.today)
        if wanted.step not in (NO_STEP, "bound"):
            copies = copies.filter(locked_at=None)
    return filtered(copies, wanted.filters(user_id=viewer.user_id))
