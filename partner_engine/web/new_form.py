"""The page that starts a form. Nothing is stored before the first answer; that answer makes the form, and the page
goes on as one of that form.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import AnswerFault, BatchError, IdempotencyReplay, InvalidAnswers
from batch.idempotency import IdempotencyKey, StoredResponse
from catalogue.selectors import list_published_catalogues
from partner_engine.rate_limits import count_request, give_request_back
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.answer_input import Answered, apply_typed, has_answers
from partner_engine.web.asked_once import fill_places
from partner_engine.web.copies import save_answers
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.meanwhile import changed_by
from partner_engine.web.pages.faults import build_faults
from partner_engine.web.pages.new_form import NewFormPage, build_new_form
from partner_engine.web.pages.reading import Reading
from partner_engine.web.rendering import shown_version
from rules.flow.appetite import Appetite, appetites
from tenants.access import Right
from tenants.limits.scopes import FORM_CREATION

_KEY: Final = re.compile(r"[0-9a-f]{32}")
#: Where a started form opens: at its questions, or at the dialog that makes a guest link.
_GUESTS: Final = "guests"


@dataclass(frozen=True, kw_only=True)
class _Start:
    """How a form is started: the ``key`` of the page, by which the same page makes one form only, the code of the
    ``catalogue`` ("" for the tenant's) and the evaluation date, None for today.
    """

    key: str
    catalogue: str
    as_of: date | None

    def of_answers(self, request: HttpRequest) -> _Start:
        """Return this start for the answers in ``request`` alone: other answers on the same page are another form."""
        sent = sorted((name, request.POST.getlist(name)) for name in request.POST)
        return replace(self, key=hashlib.sha256(f"{self.key}\n{sent}".encode()).hexdigest()[:32] if self.key else "")

    def opener(self, agent: Agent) -> Any:
        """Open a new form; ``stored_response`` is set if this page has made one before."""
        fingerprint = hashlib.sha256(f"new form\n{self.catalogue}".encode()).digest()
        return batch.build_context(
            scope=agent.tenant,
            actor=agent.actor,
            as_of=self.as_of,
            catalogue=self.catalogue,
            idempotency=IdempotencyKey(f"page:{agent.actor.type}:{agent.actor.id}", f"new:{self.key}", fingerprint)
            if self.key
            else None,
        )

    def made(self, agent: Agent) -> UUID | None:
        """Return the copy that this page has made before, None without one."""
        with self.opener(agent) as context:
            stored = context.stored_response
        return UUID(stored.body.decode()) if stored else None


@require_http_methods(["GET", "POST"])
@for_agents(Right.WRITE_FORMS)
def new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the page. A POST of its fields makes the form and redirects to it; ``then`` is ``guests`` to make a guest
    link there.

    ``catalogue`` is the code of a published catalogue, by default the tenant's. ``as_of`` sets the evaluation date and
    needs a right. ``key`` is that of the page: a second press leads to the same form.
    """
    start = _read_start(request, agent)
    if request.method == "GET":
        return _page(request, agent, start)
    sending = start.of_answers(request)
    copy_id: UUID | None
    try:
        copy_id = sending.made(agent) or _make(request, agent, sending)
    except IdempotencyReplay:
        copy_id = sending.made(agent)
    except _Refused as refused:
        return _page(request, agent, start, refused=refused)
    place = "#guests" if request.POST.get("then") == _GUESTS else ""
    return redirect(f"{reverse('web:copy', args=(copy_id,))}{place}")


@require_POST
@for_agents(Right.WRITE_FORMS)
def first_answers(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Save ``answers`` as the form page does. The first valid ones make the form; the event ``form-started`` names its
    addresses then. The ``key`` in the address is that of the page: sent again, answers go to the form that it made.
    """
    start = _read_start(request, agent)
    if not start.key:
        return HttpResponseBadRequest()
    made = start.made(agent)
    if made is None:
        try:
            return _started(request, agent, start)
        except IdempotencyReplay:
            made = start.made(agent)
    assert made is not None  # noqa: S101 - a replayed key has its response
    response = _save(request, agent, made)
    return trigger_client_event(response, "form-started", _addresses(made))


@require_POST
@for_agents(Right.WRITE_FORMS)
def answer(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Save ``answers`` of a form that this page has made; respond with the parts of the page."""
    return _save(request, agent, copy_id)


@require_GET
@for_agents(Right.READ_FORMS)
def catch_up(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the parts of the page as they are now, for what others changed in the form that it has made."""
    context = agent.find(copy_id)
    reading, since = read_context(context, request, agent), shown_version(request)
    log_personal_reads(reading, context, agent)
    theirs = changed_by(context.copy.id, since=since, until=context.version) if since else {}
    return _parts(request, reading, _wanted(context), said="", theirs=theirs, token=get_token(request))


class _Refused(Exception):
    """The fields of a page without scripts were refused: ``typed`` and ``faults`` by the code of the question."""

    def __init__(self, typed: Mapping[str, str | list[str]], faults: list[AnswerFault]) -> None:
        super().__init__("Fix the marked answers." if faults else "Answer at least one question.")
        self.typed = typed
        self.faults = {fault.path: fault.text for fault in faults}


def _read_start(request: HttpRequest, agent: Agent) -> _Start:
    """Return how the form is started. Raises ``MissingRight`` for an evaluation date without the right."""

    def sent(name: str) -> str:
        return request.POST.get(name) or request.GET.get(name) or ""

    try:
        as_of = parse_date(sent("as_of"))
    except ValueError:  # well formed, but not an existing day
        as_of = None
    if as_of is not None:
        agent.actor.require(Right.SET_AS_OF)
    key = sent("key")
    catalogue = sent("catalogue").replace("\0", "")[:64]
    return _Start(key=key if _KEY.fullmatch(key) else "", catalogue=catalogue, as_of=as_of)


def _make(request: HttpRequest, agent: Agent, start: _Start) -> UUID:
    """Make the form of a page without scripts: with all of its answers, or not at all. Raises ``_Refused``."""
    with _counted(request), start.opener(agent) as context:
        codes = context.release.compiled.definition.start_questions
        typed = _typed(request, context, codes)
        faults = [
            fault for code, value in typed.items() if value for fault in apply_typed(context.changeset, code, value)
        ]
        if faults or (codes and not has_answers(context.changeset)):
            raise _Refused(typed, faults)
        given = [code for code, value in typed.items() if value]
        fill_places(context.changeset, given, typed=given)
        context.changeset.starts_rows = True
        try:
            context.save(respond=lambda _: _record(context))
        except InvalidAnswers as error:
            raise _Refused(typed, list(error.faults)) from error
        return context.copy.id


def _typed(request: HttpRequest, context: BatchContext, codes: tuple[str, ...]) -> dict[str, str | list[str]]:
    """Return what was sent for the questions ``codes``; choices as lists."""
    questions = context.release.compiled.questions
    return {
        code: request.POST.getlist(code)[:100]
        if questions[code].question.type == "multi_choice"
        else request.POST.get(code, "")
        for code in codes
        if code in request.POST
    }


@contextmanager
def _counted(request: HttpRequest) -> Iterator[None]:
    """Count a form against the limit, unless it is not made. Raises ``RateLimited``."""
    count_request(request, FORM_CREATION)
    try:
        yield
    except (BatchError, _Refused):
        give_request_back(request, FORM_CREATION)
        raise


def _started(request: HttpRequest, agent: Agent, start: _Start) -> HttpResponse:
    """Make the form with the first answers, if one of them is valid."""
    made: list[BatchContext] = []

    @contextmanager
    def opener() -> Iterator[BatchContext]:
        with start.opener(agent) as context:
            made[:] = [context]
            yield context

    def record(result: SaveResult) -> StoredResponse:
        return _record(made[0])

    def respond(reading: Reading, answered: Answered) -> HttpResponse:
        parts = _parts(request, reading, _wanted(answered.context), said="The form is saved.")
        return trigger_client_event(parts, "form-started", _addresses(answered.context.copy.id))

    with _counted(request):
        response = save_answers(request, agent, opener, respond=respond, record=record)
    if "form-started" not in response.headers.get("HX-Trigger", ""):
        give_request_back(request, FORM_CREATION)
    return response


def _save(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    def respond(reading: Reading, answered: Answered) -> HttpResponse:
        return _parts(request, reading, _wanted(answered.context), said="Saved.")

    return save_answers(request, agent, partial(agent.find_and_lock, copy_id), respond=respond)


def _record(context: BatchContext) -> StoredResponse:
    """Return the record of a started form: the id of its copy."""
    return StoredResponse(201, {}, str(context.copy.id).encode())


def _addresses(copy_id: UUID) -> dict[str, str]:
    """Return the addresses of the form for the page, by the names of its data attributes."""
    return {
        "copyId": str(copy_id),
        "address": reverse("web:copy", args=(copy_id,)),
        "answers": reverse("web:new-form-answers", args=(copy_id,)),
        "parts": reverse("web:new-form-parts", args=(copy_id,)),
        "rows": reverse("web:rows", args=(copy_id,)),
        "row": reverse("web:row", args=(copy_id,)),
        "industries": reverse("web:industries", args=(copy_id,)),
        "socket": f"/ws/copies/{copy_id}/",
    }


def _wanted(context: BatchContext) -> Mapping[str, Appetite]:
    """Return the appetite of each product for the answers of ``context``."""
    changeset, _ = context.current_view()
    found = appetites(
        context.release.compiled,
        changeset.document,
        as_of=context.save_context.as_of,
        reveal=changeset.sealing.reveal,
    )
    return found.products


def _page(request: HttpRequest, agent: Agent, start: _Start, *, refused: _Refused | None = None) -> HttpResponse:
    with start.opener(agent) as context:
        reading = read_context(context, request, agent)
        page = build_new_form(
            reading,
            _wanted(context),
            typed=refused.typed if refused else None,
            faults=refused.faults if refused else None,
        )
        release, code = context.release.id, context.form.catalogue
    day = start.as_of.isoformat() if start.as_of else ""
    key = uuid4().hex if refused is None or not start.key else start.key
    sent_to = QueryDict(mutable=True)
    sent_to.update({"key": key, "catalogue": code, "as_of": day})
    shown = agent.context(
        page=page,
        catalogues=list_published_catalogues(first=agent.tenant.catalogue),
        catalogue=code,
        may_set_as_of=agent.actor.may(Right.SET_AS_OF),
        as_of=day,
        key=key,
        first_answers=f"{reverse('web:first-answers')}?{sent_to.urlencode()}",
        release=release,
        problem=str(refused) if refused else "",
    )
    return render(request, "web/new_form.html", shown, status=422 if refused else 200)


def _parts(
    request: HttpRequest, reading: Reading, wanted: Mapping[str, Appetite], *, said: str, **details: object
) -> HttpResponse:
    """Return the parts of the page; the event ``copy-saved`` carries the version and the text to announce."""
    page: NewFormPage = build_new_form(reading, wanted)
    shown = {"page": page, "faults": build_faults(reading), "address": reverse("web:copy", args=(reading.facts.id,))}
    response = render(request, "web/parts/new_form_saved.html", shown)
    event = {"version": reading.facts.version, "said": said, **details}
    return trigger_client_event(response, "copy-saved", event)
