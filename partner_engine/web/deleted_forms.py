"""Deletes forms and restores them; shows a deleted form, which nobody can change. Nothing is erased here."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from batch import service as batch
from batch.context import BatchContext
from batch.errors import NotFound
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.form_page import build_form_page
from partner_engine.web.visitors import Visitor
from presentation.formats import moment
from tenants.access import Right


@require_POST
@for_agents(Right.WRITE_FORMS)
def delete(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Delete the form of the copy with all its copies, and go to the list, which offers to undo it."""
    with agent.find_and_lock(copy_id) as context:
        deleted = context.copy.id
        context.changeset.application_form.archive()
        context.save()
    return redirect(f"{reverse('web:forms')}?deleted={deleted}")


@require_POST
@for_agents(Right.WRITE_FORMS)
def restore(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Restore the deleted form of the copy, and open it."""
    with agent.find_and_lock(copy_id, archived=True) as context:
        restored = context.copy.id
        if context.form.deleted_at is not None:
            context.changeset.application_form.restore()
            context.save()
    return redirect("web:copy", restored)


def show_deleted(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Return the page of a deleted form, read-only. Raises ``NotFound`` for one that is not deleted, and for guests."""
    if visitor.guest is not None:
        raise NotFound
    context = batch.find(copy_id, scope=visitor.tenant, actor=visitor.actor, archived=True)
    deleted_at = context.form.deleted_at
    if deleted_at is None or context.copy.fields.deleted_at is not None:
        raise NotFound
    reading = read_context(context, request, visitor)
    may_restore = reading.reader.may_write
    reading = reading.as_record()
    log_personal_reads(reading, context, visitor)
    page = build_form_page(reading)
    at = moment(deleted_at, reading.reader.zone, now=reading.reader.now)
    shown = visitor.context(
        page=page,
        copy_id=context.copy.id,
        deleted_at=at,
        deleted_exactly=deleted_at.isoformat(),
        erased_on=_erasure_day(context, reading.reader.zone),
        may_restore=may_restore,
    )
    return render(request, "web/deleted_form.html", shown)


def _erasure_day(context: BatchContext, zone: ZoneInfo) -> str:
    """Return the day after which the deleted form is erased for good, "" for one that stays."""
    retention, form = settings.DELETED_FORMS, context.form
    ends = []
    if form.deleted_at is not None and retention.days and (retention.purges_bound or not context.loaded.is_bound):
        ends.append(form.deleted_at + timedelta(days=retention.days))
    if form.is_test and retention.test_days:
        ends.append(form.created_at + timedelta(days=retention.test_days))
    if not ends:
        return ""
    day = min(ends).astimezone(zone)
    return f"{day:%B} {day.day}, {day.year}"
