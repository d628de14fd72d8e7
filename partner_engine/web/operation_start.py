"""The page that starts an operation on selected forms, or on all that a search finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast, get_args
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from uuid_utils.compat import uuid7

from catalogue import releases
from forms.selectors import list_every_copy
from forms.states import State
from forms.status_order import QuoteStep
from operations.errors import OperationError
from operations.kinds.registry import KINDS
from operations.submission.errors import InvalidOrder, NoValidItems, OperationExists
from operations.submission.item_query import find_items
from operations.submission.order import ItemQuery, NewOperation, Options
from operations.submission.start import start
from operations.submission.submit import submit
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.operation_rows import chosen_operation, open_choices
from partner_engine.web.order_counts import chosen_id, counted_order, is_repeated, limit_words
from partner_engine.web.pages.operation_fields import (
    OFFERED,
    AskableQuestion,
    FieldFault,
    arguments_of,
    askable_questions,
    field_faults,
    title_of,
)
from presentation.visibility import Reader, Visibility
from tenants.access import Right
from tenants.limits.errors import RateLimited
from tenants.models import User

#: The forms that one page of the list can select.
_MOST_SELECTED: Final = 100
_FIELDS: Final = ("question", "value", "owner")


@require_http_methods(["GET", "POST"])
@for_agents(Right.WRITE_FORMS)
def new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the page for the forms in ``copy``, or with ``all`` for those that ``q``, ``state``, ``quotes``, ``line``
    and ``of_owner`` find; POST submits.

    ``step`` is ``try`` (without saving) or ``run``.
    """
    sent = request.POST if request.method == "POST" else request.GET
    if request.method == "GET":
        return _page(request, agent, sent)
    if sent.get("kind", "") not in OFFERED:
        return _page(request, agent, sent, problem="Choose what to do with the forms.", status=422)
    chosen = chosen_id(request)
    if is_repeated(chosen):
        return redirect("web:operation", chosen)
    try:
        order = msgspec.structs.replace(_order(sent, agent), id=chosen)
        with counted_order(request):
            submitted = submit(order, tenant=agent.tenant, actor=agent.actor)
    except FieldFault as fault:
        return _page(request, agent, sent, faults={fault.field: fault.detail}, status=422)
    except (InvalidOrder, NoValidItems) as refused:
        faults = field_faults(refused.faults)
        reasons = " ".join(dict.fromkeys(fault.detail for fault in refused.faults[:3])) or str(refused)
        return _page(request, agent, sent, problem="" if faults else reasons, faults=faults, status=422)
    except OperationError as refused:
        # The other of two clicks may have been faster.
        if isinstance(refused, OperationExists) and is_repeated(chosen):
            return redirect("web:operation", chosen)
        return _page(request, agent, sent, problem=str(refused), status=409)
    except RateLimited as limited:
        return _page(request, agent, sent, problem=limit_words(limited), status=429)
    start(submitted.operation, tenant=agent.tenant)
    return redirect("web:operation", submitted.operation.id)


@require_GET
@for_agents(Right.WRITE_FORMS)
def fields(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the fields of the kind in ``kind``."""
    return render(request, "web/parts/operation_fields.html", _fields(request.GET, agent, faults={}))


def _page(  # noqa: PLR0913 - each is shown in its place
    request: HttpRequest,
    agent: Agent,
    sent: QueryDict,
    *,
    problem: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    copies = _selected(sent)
    is_search = bool(sent.get("all"))
    number = _count(sent, agent) if is_search else len(copies)
    if is_search and not number and not problem:
        problem = "No form matches the search, or it would choose all forms. Search for something else in the list."
    shown = agent.context(
        problem=problem,
        operation=sent.get("operation") or str(uuid7()),
        copies=[] if is_search else copies,
        chosen_by_search=is_search,
        query=_query(sent).q,
        state=_query(sent).state or "",
        quotes=_query(sent).quotes or "",
        line=_query(sent).line,
        of_owner=_query(sent).owner,
        number=number,
        counted=f"{number:,} {'form' if number == 1 else 'forms'}",
        kinds=[KINDS[code] for code in OFFERED if code in KINDS and agent.actor.may(KINDS[code].right)],
        open_operations=open_choices(),
        after=sent.get("after", ""),
        **_fields(sent, agent, faults=faults or {}),
    )
    return render(request, "web/operation_new.html", shown, status=status)


def _fields(sent: QueryDict, agent: Agent, *, faults: Mapping[str, str]) -> dict[str, Any]:
    kind = KINDS[_kind_code(sent)]
    return {
        "kind_code": kind.code,
        "kind_description": kind.description,
        "questions": _questions(agent) if kind.code == "set_answers" else (),
        "people": _people(agent) if kind.code == "transfer_owner" else (),
        "sent": {name: sent.get(name, "") for name in _FIELDS},
        "faults": faults,
    }


def _order(sent: QueryDict, agent: Agent) -> NewOperation:
    kind = KINDS[_kind_code(sent)]
    values = {name: sent.get(name, "").replace("\0", "").strip() for name in _FIELDS}
    questions = _questions(agent)
    copies = list_every_copy().filter(pk__in=_selected(sent))
    forms = dict(copies.values_list("pk", "application_form_id"))
    return NewOperation(
        kind=kind.code,
        items=None
        if sent.get("all")
        # A copy that is gone is refused by its number.
        else [kind.item_of(application_form_id=forms.get(copy, copy), copy_id=copy) for copy in _selected(sent)],
        query=_query(sent) if sent.get("all") else None,
        arguments=arguments_of(kind.code, values, questions=questions),
        options=Options(dry_run=sent.get("step") != "run"),
        depends_on=chosen_operation(sent),
        title=title_of(kind.code, kind.title, values, questions=questions, people=_names(agent)),
    )


def _kind_code(sent: QueryDict) -> str:
    code = sent.get("kind", "")
    return code if code in OFFERED and code in KINDS else next(known for known in OFFERED if known in KINDS)


def _selected(sent: QueryDict) -> list[UUID]:
    found = []
    for text in sent.getlist("copy")[:_MOST_SELECTED]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def _query(sent: QueryDict) -> ItemQuery:
    state, quotes = sent.get("state", ""), sent.get("quotes", "")
    return ItemQuery(
        q=sent.get("q", "").replace("\0", "").strip()[:200],
        state=cast("State", state) if state in get_args(State) else None,
        quotes=cast("QuoteStep", quotes) if quotes in get_args(QuoteStep) else None,
        line=sent.get("line", "").replace("\0", "")[:64],
        owner=sent.get("of_owner", "").replace("\0", "")[:64],
    )


def _count(sent: QueryDict, agent: Agent) -> int:
    """Return how many forms the search finds now; 0 for one that is too wide or empty, which the order refuses."""
    try:
        return sum(1 for _ in find_items(KINDS[_kind_code(sent)], _query(sent), actor=agent.actor))
    except OperationError:
        return 0


def _questions(agent: Agent) -> tuple[AskableQuestion, ...]:
    try:
        catalogue = releases.current(agent.tenant.catalogue, tenant_id=agent.tenant.id).compiled
    except releases.NoRelease:
        return ()
    return askable_questions(catalogue, visibility=Visibility(catalogue, Reader.for_actor(agent.actor)))


def _people(agent: Agent) -> list[dict[str, str]]:
    users = User.objects.filter(tenant=agent.tenant, is_active=True).order_by("full_name", "email")
    return [{"id": str(user.pk), "name": user.display_name} for user in users]


def _names(agent: Agent) -> Mapping[str, str]:
    return {person["id"]: person["name"] for person in _people(agent)}
