"""The history page of a copy: who changed which answers, and when."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from batch import service as batch
from copies.history import changes_of, list_revisions
from partner_engine.copy_visibility import past_sensitivities
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.shell import HISTORY
from partner_engine.web.pages.versions import Version, build_version
from tenants.access import Right

PAGE: Final = 20


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """List the versions of a copy, latest first. ``before`` selects the versions before that number."""
    context = batch.find(copy_id, scope=agent.tenant, actor=agent.actor)
    reading = read_context(context, request, agent)
    revisions = list_revisions(context.copy.id)
    if (before := request.GET.get("before", "")).isdecimal() and len(before) < 10:
        revisions = revisions.filter(version__lt=int(before))
    found = list(revisions[: PAGE + 1])
    versions: list[Version] = [
        build_version(
            reading,
            changes_of(revision),
            # What a version changed was recorded in it and in the one before.
            visibility=reading.visibility.at(past_sensitivities(row.release_id for row in found[place : place + 2])),
            number=revision.version,
            by=revision.actor_label or revision.actor_type,
            source=revision.source,
            at=revision.created_at,
        )
        for place, revision in enumerate(found[:PAGE])
    ]
    log_personal_reads(reading, context, agent)
    older = versions[-1].number if len(found) > PAGE else None
    shell = shell_of(context, reading, agent, route=HISTORY)
    shown = agent.context(shell=shell, versions=versions, older=older, copy_id=context.copy.id)
    return render(request, "web/history.html", shown)
