"""The declines of a copy: what declines now, the stored declinations, to print and to export signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from partner_engine.decline_files import FILE_HEADERS, exported_declines
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.reading import Reading
from presentation.formats import day, moment
from presentation.state_words import DECLINE_ACTS
from quoting.decline_shapes import DeclinationShown
from quoting.declines import declines_of
from tenants.access import Right

DECLINES: Final = "web:declines"


@dataclass(frozen=True)
class RecordView:
    """One stored declination with its act, day and time in words."""

    shown: DeclinationShown
    act: str
    at: str
    at_exactly: str
    day: str


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show what declines, line by line, then the records that acts have left, the latest first."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    visibility = visibility_of(context, actor=agent.actor)
    found = declines_of(context, visibility)
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=visibility.personal_shown)
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=DECLINES),
        declines=found,
        day=day(found.as_of),
        records=[_record(record, reading) for record in found.records],
        copy_id=context.copy.id,
        may_export=agent.actor.may(Right.WRITE_FORMS),
    )
    return render(request, "web/declines.html", shown)


@require_POST
@for_agents(Right.WRITE_FORMS)
def export(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Record the export and return the signed file."""
    agent.actor.require(Right.READ_FORMS)
    copy = agent.find(copy_id).copy
    content = exported_declines(copy.id, tenant=agent.tenant, actor=agent.actor)
    return HttpResponse(content, content_type="application/json", headers=FILE_HEADERS)


def _record(record: DeclinationShown, reading: Reading) -> RecordView:
    return RecordView(
        shown=record,
        act=DECLINE_ACTS.get(record.act, record.act),
        at=moment(record.at, reading.reader.zone, now=reading.reader.now),
        at_exactly=record.at.isoformat(),
        day=day(record.as_of),
    )
