"""The agents' dialog for the guest links of a copy: list, create, and revoke."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from batch.changes.mutators.guest_links import MOST_QUESTIONS
from batch.context import BatchContext
from batch.errors import BatchError, GuestLinkInvalid, LooksSensitive, TooManyGuestLinks, UnknownRecord, WrongValue
from forms.models import GuestLink
from guests.service import GuestChanges, changes_of_guest, list_links, state_of
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import past_sensitivities
from partner_engine.guest_access import DEFAULT_DAYS, guest_address
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.form_page import build_nav, insured_name
from partner_engine.web.pages.guest_lines import GuestLine, build_guest_line
from partner_engine.web.pages.guest_texts import Sender, invitation, reminder
from partner_engine.web.pages.reading import Reading
from presentation.formats import moment
from tenants.access import Right

#: The lifetimes that the page offers for a link, in days.
DAYS: Final = (1, 7, DEFAULT_DAYS, 30, 90)


class NewLink(NamedTuple):
    """A link that was made just now, with its address, which is shown once."""

    id: UUID
    address: str
    name: str
    days: int


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the guest links of a copy."""
    return _show(request, agent, agent.find(copy_id))


@require_POST
@for_agents(Right.WRITE_FORMS)
def issue(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Create a link and show its address once."""
    submitted_days = request.POST.get("days", "")
    days = int(submitted_days) if submitted_days in map(str, DAYS) else DEFAULT_DAYS
    name = " ".join(request.POST.get("name", "").replace("\0", " ").split())[:100]
    with agent.find_and_lock(copy_id) as context:
        try:
            link, secret = context.changeset.guest_links.issue(
                valid_for=timedelta(days=days),
                name=name,
                question_sets=request.POST.getlist("sets")[:MOST_QUESTIONS],
                digits=request.POST.get("digits", "").strip()[:20],
            )
            created = link.id
            context.save()
        except (TooManyGuestLinks, WrongValue, LooksSensitive) as error:
            return _show(request, agent, context, problem=error)
        made = NewLink(created, guest_address(request, context.copy.id, secret), name, days)
        return _show(request, agent, context, made=made)


@require_POST
@for_agents(Right.WRITE_FORMS)
def revoke(request: HttpRequest, agent: Agent, copy_id: UUID, link_id: UUID) -> HttpResponse:
    """Revoke a link and its session. Revoking a link twice is allowed."""
    with agent.find_and_lock(copy_id) as context:
        try:
            context.changeset.guest_links.find(link_id).revoke()
        except UnknownRecord:
            if not list_links(context.copy.id).filter(pk=link_id).exists():
                return HttpResponse(status=404)
        else:
            context.save()
        return _show(request, agent, context, notice="The link has ended. Its guest has been notified.")


@require_POST
@for_agents(Right.WRITE_FORMS)
def send_back(request: HttpRequest, agent: Agent, copy_id: UUID, link_id: UUID) -> HttpResponse:
    """Send the form back to its guest, with only the ticked questions open and a note to each."""
    paths = request.POST.getlist("open")[:MOST_QUESTIONS]
    questions = {path: request.POST.get(f"note:{path}", "") for path in paths}
    with agent.find_and_lock(copy_id) as context:
        try:
            link = context.changeset.guest_links.find(link_id)
            link.send_back(questions)
            context.save()
        except UnknownRecord:
            return HttpResponse(status=404)
        except (WrongValue, LooksSensitive, GuestLinkInvalid) as error:
            return _show(request, agent, context, problem=error)
        return _show(request, agent, context, notice="The guest can answer these questions again with the same link.")


def _line(link: GuestLink, reading: Reading, agent: Agent, sender: Sender) -> GuestLine:
    changed = changes_of_guest(link) if link.exchanged_at else GuestChanges([], ())
    past = replace(reading, then=(*reading.then, *past_sensitivities(changed.release_ids)))
    line = build_guest_line(link, state_of(link, timezone.now()), past, changes=changed.changes)
    note_personal_read(actor=agent.actor, copy_id=link.copy_id, count=past.visibility.personal_shown)
    if not line.is_open or link.finished_at:
        return line
    until = moment(link.expires_at, reading.reader.zone, now=reading.reader.now)
    return replace(line, reminder=reminder(sender, name=link.name, left=len(reading.left_to_quote), until=until))


def _show(  # noqa: PLR0913 - the outcome of a command
    request: HttpRequest,
    agent: Agent,
    context: BatchContext,
    *,
    made: NewLink | None = None,
    notice: str = "",
    problem: BatchError | None = None,
) -> HttpResponse:
    reading = read_context(context, request, agent)
    reader = reading.reader
    sender = Sender(agent.user.full_name, agent.tenant.name, agent.tenant.phone, insured_name(reading))
    links = [_line(link, reading, agent, sender) for link in list_links(context.copy.id)]
    shown = {
        "lines": links,
        "copy_id": context.copy.id,
        "may_write": reader.may_write,
        "created": made.id if made else None,
        "address": made.address if made else "",
        "invitation": invitation(sender, name=made.name, address=made.address, days=made.days) if made else None,
        "notice": notice,
        "problem": problem,
        "days": [(days, f"{days} day{'s' if days > 1 else ''}") for days in DAYS],
        "default_days": DEFAULT_DAYS,
        "sets": [(item.code, item.title) for item in build_nav(reading)],
        "tenant": agent.tenant,
    }
    return render(request, "web/parts/guest_links.html", shown, status=422 if problem else 200)
