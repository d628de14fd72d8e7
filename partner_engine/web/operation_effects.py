"""What the answers that a try sets would change for its forms: outcomes, premiums, questions, quotes; and as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from catalogue import releases
from copies.models import Copy
from decisions.book import count_open
from decisions.book_report import BookReport
from decisions.copy_effect import CopyEffect
from decisions.errors import AnswerNotSupposed
from decisions.report_rows import csv_header, csv_lines
from decisions.supposition import Supposition
from decisions.what_if import MOST_AT_ONCE, answers_supposition, effects_on_book, report_on_book
from forms.selectors import list_every_copy
from operations.engine.status import OperationStatus
from operations.errors import UnreadableOperation
from operations.kinds.set_answers import AnswersArguments, SetAnswers
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import UNREADABLE, opened_arguments
from partner_engine.copy_visibility import InsuredNames
from partner_engine.download_access import DownloadAccess
from partner_engine.operation_files import streamed
from partner_engine.rate_limits import count_request
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.effects_view import build_effects, forms
from partner_engine.web.operation_rows import find_operation, title_of_row
from presentation.visibility import Reader
from rules.definition.labels import label_of
from rules.definition.model import CompiledCatalogue
from tenants.access import Right
from tenants.limits.scopes import EXPORT, WHAT_IF

#: Forms whose lines are one part of the file.
_PART: Final = 100
_NO_REMEDY: Final = "The result of the try shows what each form would say; its file has all of them."


def may_suppose(operation: BatchOperation, counts: OperationStatus) -> bool:
    """Return whether the page of ``operation`` leads to what would change: it is a try that set answers."""
    return operation.kind == SetAnswers.code and operation.is_dry_run and counts.completed > 0


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Show what would change for the first forms of a try."""
    count_request(request, WHAT_IF)
    operation = _tried(operation_id)
    shown: dict[str, Any] = {"operation_id": operation.pk, "title": title_of_row(operation)}
    try:
        supposition = _supposition(operation, agent)
    except UnreadableOperation as refused:
        shown["problem"] = str(refused)
    except AnswerNotSupposed as refused:
        shown["problem"] = f"{_reasons(refused, agent)} {_NO_REMEDY}"
    except releases.NoRelease:
        shown["problem"] = f"No catalogue is published, so nothing can be decided. {_NO_REMEDY}"
    else:
        narrow = _forms_of(operation)
        total = count_open(agent.tenant.catalogue, [agent.tenant], narrow=narrow)
        report = report_on_book(supposition, [agent.tenant], narrow=narrow, workers=1, most=MOST_AT_ONCE)
        insured = _insured(report, agent)
        shown["effects"] = build_effects(report, supposition.answers, supposition.present.compiled, insured=insured)
        shown["partial"] = f"{MOST_AT_ONCE:,} of {forms(total)}" if total > MOST_AT_ONCE else ""
    return render(request, "web/operation_effects.html", agent.context(**shown))


@require_GET
@for_agents(Right.READ_FORMS)
def download(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Send what would change for all forms of a try as CSV, one line for each changed product of a form.

    It counts as an export.
    """
    count_request(request, EXPORT, WHAT_IF)
    operation = _tried(operation_id)
    try:
        supposition = _supposition(operation, agent)
    except (AnswerNotSupposed, UnreadableOperation, releases.NoRelease):
        # The page, which has no link to the file then, says why.
        raise Http404 from None
    name = f"what-would-change-{operation_id}.csv"
    read = _file(supposition, agent, _forms_of(operation))
    access = DownloadAccess.of_request(request, actor=agent.actor, tenant=agent.tenant)
    return streamed(request, read, access=access, name=name, format="csv")  # type: ignore[return-value]


def _tried(operation_id: UUID) -> BatchOperation:
    """Return a try that sets the same answers everywhere. Raises ``Http404``."""
    operation = find_operation(operation_id)
    if operation.kind != SetAnswers.code or not operation.is_dry_run:
        raise Http404
    return operation


def _supposition(operation: BatchOperation, agent: Agent) -> Supposition:
    """Return what ``operation`` supposes. Raises ``AnswerNotSupposed``, ``NoRelease``, and ``UnreadableOperation``
    where its answers were erased with a form.
    """
    try:
        answers = opened_arguments(operation, AnswersArguments).answers
    except UNREADABLE as error:
        raise UnreadableOperation from error
    return answers_supposition(agent.tenant.catalogue, answers, reader=Reader.for_actor(agent.actor))


def _forms_of(operation: BatchOperation) -> Callable[[QuerySet[Copy]], QuerySet[Copy]]:
    """Return what narrows the open copies to those of ``operation``."""
    items = OperationItem.objects.filter(operation_id=operation.pk).exclude(copy_id=None).order_by()

    def narrow(copies: QuerySet[Copy]) -> QuerySet[Copy]:
        return copies.filter(pk__in=items.values("copy_id"))

    return narrow


def _file(supposition: Supposition, agent: Agent, narrow: Callable[[QuerySet[Copy]], QuerySet[Copy]]) -> Any:
    """Return a function that returns the next part of the file, empty at the end."""
    effects = effects_on_book(supposition, [agent.tenant], narrow=narrow, workers=1)
    head = csv_header()

    def read() -> bytes:
        nonlocal head
        part, head = head, ""
        while looked_at := list(islice(effects, _PART)):
            part += "".join(_lines(looked_at))
            if part:
                break
        return part.encode()

    return read


def _lines(effects: list[CopyEffect]) -> Iterator[str]:
    return (csv_lines(effect) for effect in effects if effect.is_changed or effect.error)


def _insured(report: BookReport, agent: Agent) -> dict[UUID, str]:
    names = InsuredNames(Reader.for_actor(agent.actor))
    copies = list_every_copy().filter(pk__in={won.copy_id for won in report.win_back})
    return {copy.pk: names.of(copy, copy.catalogue) or copy.title or "New application" for copy in copies}


def _reasons(refused: AnswerNotSupposed, agent: Agent) -> str:
    """Return why answers cannot be supposed, with the questions' labels instead of their codes."""
    catalogue: CompiledCatalogue = releases.current(agent.tenant.catalogue, tenant_id=agent.tenant.id).compiled
    return " ".join(f"{label_of(catalogue, code)}: {text}" if code else text for code, _, text in refused.faults)
