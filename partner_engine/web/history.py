"""The history of a copy: who changed what in which session, a version as it was, and the way back to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from batch.context import BatchContext
from batch.revert import revert
from catalogue.release_history import release_number
from copies.changes import RELEASE
from copies.codec import decode
from copies.history import cause_of, changes_of, evaluations, list_authors, list_revisions
from copies.models import CopyRevision
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import past_sensitivities
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.form_page import build_form_page
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.sessions import build_sessions
from partner_engine.web.pages.shell import HISTORY
from partner_engine.web.pages.versions import Saved, Version, build_version, name_of
from presentation.formats import moment
from rules.flow.evaluation import Evaluation
from tenants.access import Right

#: The versions of one page, before the filters.
PAGE: Final = 100


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """List the sessions of a copy, latest first.

    ``before`` or ``after`` selects the versions before or after a number; ``question`` (words), ``person`` (type and
    id) and ``effect`` (only what moved a product) filter them.
    """
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    page = _page(request, context)
    versions = [version for version in _versions(reading, page, agent) if _is_wanted(version, request)]
    log_personal_reads(reading, context, agent)
    filters = {name: request.GET.get(name, "") for name in ("question", "person", "effect")}
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=HISTORY),
        sessions=build_sessions(versions, zone=reading.reader.zone, now=reading.reader.now),
        filters=filters,
        filtered=any(filters.values()),
        query=urlencode({name: value for name, value in filters.items() if value}),
        people=[
            (f"{kind}:{identity}", name_of(kind, label)) for kind, identity, label in list_authors(context.copy.id)
        ],
        older=page.older,
        newer=page.newer,
        restored=_number(request, "restored"),
        undo=_number(request, "undo"),
        copy_id=context.copy.id,
        writable=reading.is_writable,
    )
    return render(request, "web/history.html", shown)


@require_GET
@for_agents(Right.READ_FORMS)
def show_version(request: HttpRequest, agent: Agent, copy_id: UUID, version: int) -> HttpResponse:
    """Show the answers of a copy as they were at a version, with the release of then, read-only."""
    present = agent.find(copy_id)
    reading = read_context(present, request, agent)
    past = agent.find(present.copy.id, version=version)
    then = read_context(past, request, agent).as_record()
    log_personal_reads(then, past, agent)
    revision = list_revisions(present.copy.id).get(version=version)
    shown = agent.context(
        shell=shell_of(present, reading, agent, route=HISTORY),
        page=build_form_page(then),
        version=version,
        by=name_of(revision.actor_type, revision.actor_label),
        at=moment(revision.created_at, reading.reader.zone, now=reading.reader.now),
        at_exactly=revision.created_at.isoformat(),
        release=past.release.number,
        is_present=version == present.version,
        copy_id=present.copy.id,
        writable=reading.is_writable,
    )
    return render(request, "web/version.html", shown)


@require_POST
@for_agents(Right.WRITE_FORMS)
def restore(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Take the copy back to ``version``, as a new version; the history then offers to undo it."""
    wanted = request.POST.get("version", "")
    if not wanted.isdecimal() or not 0 < len(wanted) < 10:
        return HttpResponseBadRequest()
    with agent.find_and_lock(copy_id) as context:
        before = context.version
        revert(context, int(wanted))
        result = context.save()
    told = {"restored": wanted, "undo": before} if result.written else {}
    return redirect(f"{reverse('web:history', kwargs={'copy_id': copy_id})}?{urlencode(told)}")


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


class _Page(NamedTuple):
    """The revisions of one page, latest first. ``before`` is the one in front of the first; the others are the numbers
    from which the pages beside it go on.
    """

    rows: list[CopyRevision]
    before: CopyRevision | None
    older: int | None
    newer: int | None


def _page(request: HttpRequest, context: BatchContext) -> _Page:
    before, after = _number(request, "before"), _number(request, "after")
    revisions = list_revisions(context.copy.id)
    # PostgreSQL refuses NUL; nobody has an id with one.
    kind, _, identity = request.GET.get("person", "").replace("\0", " ").partition(":")
    if kind:
        revisions = revisions.filter(actor_type=kind, actor_id=identity)
    if after is not None:
        rows = list(revisions.filter(version__gt=after).order_by("version")[: PAGE + 1])
        has_newer, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        earlier = revisions.filter(version__lte=after).first()
    else:
        found = revisions if before is None else revisions.filter(version__lt=before)
        rows = list(found[: PAGE + 1])
        has_newer, rows, earlier = before is not None, rows[:PAGE], rows[PAGE] if len(rows) > PAGE else None
    return _Page(
        rows,
        earlier,
        older=rows[-1].version if rows and earlier else None,
        newer=rows[0].version if rows and has_newer else None,
    )


def _versions(reading: Reading, page: _Page, agent: Agent) -> list[Version]:
    """Return the versions of the page; log how many personal answers of then they show."""
    rows = page.rows
    if not rows:
        return []
    known = evaluations(rows[0].copy_id, first=max(rows[-1].version - 1, 1), last=rows[0].version)
    decided = {version: decode(stored, Evaluation) for version, stored in known.items()}
    recorded = [row.release_id for row in (*rows, page.before or rows[-1])]
    # What a version changed was recorded in it and in the one before.
    seen = [reading.visibility.at(past_sensitivities(recorded[place : place + 2])) for place in range(len(rows))]
    versions = [
        build_version(reading, _saved(row, decided), visibility=visibility)
        for row, visibility in zip(rows, seen, strict=True)
    ]
    count = sum(visibility.personal_shown for visibility in seen)
    note_personal_read(actor=agent.actor, copy_id=rows[0].copy_id, count=count)
    return versions


def _saved(row: CopyRevision, decided: Mapping[int, Evaluation]) -> Saved:
    cause = cause_of(row)
    by_release = cause.type == RELEASE and row.release_id is not None
    return Saved(
        number=row.version,
        who=(row.actor_type, row.actor_id),
        by=name_of(row.actor_type, row.actor_label),
        source=row.source,
        cause=cause,
        release_number=release_number(row.release_id) if by_release and row.release_id else None,
        saved_at=row.created_at,
        changes=changes_of(row),
        before=decided.get(row.version - 1),
        after=decided.get(row.version),
    )


def _is_wanted(version: Version, request: HttpRequest) -> bool:
    if request.GET.get("effect") and not version.effects:
        return False
    words = request.GET.get("question", "").casefold().split()
    labels = [line.label.casefold() for line in version.changes]
    return not words or any(all(word in label for word in words) for label in labels)
