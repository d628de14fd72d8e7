"""The proposal for the customer: the agent's page with its links, and the page behind a link."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from batch.context import BatchContext
from partner_engine.client_addresses import client_address
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.proposal import OfferedQuote, Proposal, build_proposal, is_proposable, since_then
from partner_engine.web.pages.quote_rows import RowSource, build_request_row
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import QUOTES
from presentation.formats import day, moment
from quoting.proposals import (
    NewLink,
    OpenedProposal,
    ProposalLinkEnded,
    ProposalLinkInvalid,
    TooManyProposalLinks,
    issue_link,
    links_in_force,
    open_link,
    revoke_link,
)
from tenants.access import Right

#: The lifetimes that the page offers for a link, in days.
DAYS: Final = (7, 14, 30, 60)
DEFAULT_DAYS: Final = 14
_MOST_CHOSEN: Final = 100

log = structlog.get_logger(__name__)


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the proposal of the quotes of a copy, or of the ``quote`` ids among them, and its links."""
    return _show(request, agent, agent.find(copy_id))


@require_POST
@for_agents(Right.WRITE_FORMS)
def issue(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Make a link to the proposal as it is now, for ``days``, and show its address once."""
    named = request.POST.get("days", "")
    days = int(named) if named in map(str, DAYS) else DEFAULT_DAYS
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    proposal = _proposal(reading, context, agent, _chosen(request.POST.getlist("quote")))
    if not proposal.lines:
        return _show(request, agent, context, problem="There is no quote to propose. Request quotes first.")
    try:
        new = NewLink(
            copy_id=context.copy.id,
            version=context.version,
            content=asdict(proposal),
            valid_for=timedelta(days=days),
        )
        link, secret = issue_link(agent.tenant, new, actor=agent.actor)
    except TooManyProposalLinks as error:
        return _show(request, agent, context, problem=str(error))
    log.info("audit.proposal_link_made", copy_id=str(context.copy.id), link=str(link.pk), by=agent.actor.id)
    address = request.build_absolute_uri(reverse("open-proposal", args=[secret]))
    return _show(request, agent, context, address=address)


@require_POST
@for_agents(Right.WRITE_FORMS)
def revoke(request: HttpRequest, agent: Agent, copy_id: UUID, link_id: UUID) -> HttpResponse:
    """End a link. Ending it twice is allowed."""
    context = agent.find(copy_id)
    if not revoke_link(context.copy.id, link_id):
        return HttpResponse(status=404)
    log.info("audit.proposal_link_ended", copy_id=str(context.copy.id), link=str(link_id), by=agent.actor.id)
    return _show(request, agent, context, notice="The link has ended. It no longer opens the proposal.")


@require_GET
def open_proposal(request: HttpRequest, secret: str) -> HttpResponse:
    """Show the proposal behind a link to a customer without an account."""
    try:
        response = _opened(request, open_link(secret))
    except ProposalLinkEnded as error:
        text = f"This link has ended. Ask {error.agency} for a new one."
        response = render(request, "web/proposal_over.html", {"text": text}, status=410)
    except ProposalLinkInvalid:
        log.info("audit.proposal_link_refused", address=client_address(request))
        text = "Part of the address may be missing. Open the complete link from your message, or ask your agent."
        response = render(request, "web/proposal_over.html", {"text": text}, status=404)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _opened(request: HttpRequest, opened: OpenedProposal) -> HttpResponse:
    zone = ZoneInfo(opened.tenant.time_zone)
    today = timezone.now().astimezone(zone).date()
    proposal = msgspec.convert(opened.content, Proposal)
    shown = {
        "proposal": proposal,
        "logo_id": opened.tenant.logo_id,
        "lines": _with_news(proposal, opened.requests, today),
        "made": day(opened.made_at.astimezone(zone).date()),
        "ends": day(opened.expires_at.astimezone(zone).date()),
    }
    return render(request, "web/proposal_open.html", shown)


def _show(  # noqa: PLR0913 - the outcome of an order
    request: HttpRequest,
    agent: Agent,
    context: BatchContext,
    *,
    address: str = "",
    notice: str = "",
    problem: str = "",
) -> HttpResponse:
    reading = read_context(context, request, agent)
    values = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(values.getlist("quote"))
    proposal = _proposal(reading, context, agent, chosen)
    reader = reading.reader
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=QUOTES),
        copy_id=context.copy.id,
        proposal=proposal,
        lines=[(line, [(quote, "") for quote in line.quotes]) for line in proposal.lines],
        choices=_choices(reading, proposal),
        links=[
            (link, moment(link.expires_at, reader.zone, now=reader.now), _seen(link.opened_at, reader))
            for link in links_in_force(context.copy.id)
        ],
        days=DAYS,
        default_days=DEFAULT_DAYS,
        may_write=reader.may_write,
        logo_id=agent.tenant.logo_id,
        address=address,
        notice=notice,
        problem=problem,
    )
    return render(request, "web/proposal.html", shown, status=422 if problem else 200)


def _proposal(reading: Reading, context: BatchContext, agent: Agent, chosen: frozenset[str]) -> Proposal:
    conditions: dict[str, list[Any]] = defaultdict(list)
    for row in context.attached.get("subjectivities", ()):
        if row.done_at is None and row.closed_at is None:  # type: ignore[attr-defined]
            conditions[str(row.quote_request_id)].append(row)  # type: ignore[attr-defined]
    proposal = build_proposal(reading, agency=agent.tenant.name, chosen=chosen, conditions=conditions)
    return replace(proposal, phone=agent.tenant.phone, email=agent.tenant.email)


def _choices(reading: Reading, proposal: Proposal) -> list[tuple[object, bool]]:
    """Return the rows of all quotes that can be proposed, and whether the proposal has them."""
    source = RowSource(catalogue=reading.catalogue, clock=Clock(reading.reader.zone, reading.reader.now))
    offers = [found for found in reading.quotes if is_proposable(reading, found)]
    return [(build_request_row(source, found), found.id in proposal.request_ids) for found in offers]


def _with_news(
    proposal: Proposal, requests: Mapping[str, Any], today: date
) -> list[tuple[object, list[tuple[OfferedQuote, str]]]]:
    """Return the lines with their quotes, each with what changed since the proposal was made."""
    return [
        (line, [(quote, since_then(quote, requests.get(quote.request_id), today)) for quote in line.quotes])
        for line in proposal.lines
    ]


def _seen(opened_at: Any, reader: Any) -> str:
    return f"opened {moment(opened_at, reader.zone, now=reader.now)}" if opened_at else "not opened yet"


def _chosen(values: list[str]) -> frozenset[str]:
    return frozenset(values[:_MOST_CHOSEN])
