"""What a quote still needs before it is bound, and the reasons for which it cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from batch.binding_errors import (
    AnswersNeededToBind,
    BindingUnderWay,
    CannotBind,
    ConsentIsMissing,
    ConsentIsVoid,
    LineIsBound,
    NoQuoteToBind,
    QuoteHasExpired,
    QuoteIsIndication,
    QuoteIsReplaced,
    QuoteIsStale,
    SubjectivityIsOpen,
)
from batch.changes.consents import OFFERED
from batch.changes.mutators.bindings import BindingRow
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.changes.mutators.subjectivities import SubjectivityRow
from copies.codec import decode_document, encode_document
from copies.document import Document
from copies.paths import Path
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation
from rules.flow.state import Reveal

#: States of a request that a newer one for the same product may be in without replacing it.
_NO_REPLACEMENT: Final = frozenset({"draft", "failed", "withdrawn", "declined", "blocked"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The other records of the copy that decide on the binding of one quote, on the day ``today`` at the tenant."""

    request: QuoteRequestRow
    requests: Sequence[QuoteRequestRow]
    bindings: Sequence[BindingRow]
    subjectivities: Sequence[SubjectivityRow]
    today: date

    @property
    def binding(self) -> BindingRow | None:
        """Return the binding of the quote, None if nothing was agreed yet."""
        return next((row for row in self.bindings if row.quote_request_id == self.request.id), None)


def needed_answers(
    catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, product: str, *, reveal: Reveal
) -> tuple[str, ...]:
    """Return the paths that are needed to bind ``product``, in the form's order: those that would be needed if its line
    were the only requested one, without questions of other products.
    """
    found = [path for path in evaluation.needed.bind if _concerns(catalogue, path, product)]
    lines, line = document.answers.get(catalogue.definition.lines_question), catalogue.products[product].product.line
    if not found or lines is None or lines.value == [line]:
        return tuple(found)
    alone = decode_document(encode_document(document))
    alone.answers[catalogue.definition.lines_question].value = [line]
    decided = check_flow.run(catalogue, alone, as_of=evaluation.as_of, release=evaluation.release, reveal=reveal)
    of_line = set(decided.evaluation.needed.bind)
    return tuple(path for path in found if path in of_line)


def refusals(
    catalogue: CompiledCatalogue, around: Surroundings, *, needed: Sequence[str], wording_hash: str
) -> Iterator[CannotBind]:
    """Yield the reasons for which the quote cannot be bound now, the most fundamental first.

    ``needed`` are the paths of missing answers, ``wording_hash`` is that of the present wording of the consent.
    """
    request, binding = around.request, around.binding
    if any(row.is_under_way for row in _bindings_of_line(catalogue, around)):
        yield BindingUnderWay()
    yield from _quote_refusals(request, around.today)
    if any(_replaces(other, request) for other in around.requests):
        yield QuoteIsReplaced()
    yield from _bound_line(catalogue, around)
    if needed:
        yield AnswersNeededToBind([(path, label_of(catalogue, path)) for path in needed])
    if blocking := [row.text for row in blocking_subjectivities(around)]:
        yield SubjectivityIsOpen(blocking)
    yield from _consent_refusals(binding, wording_hash)


def blocking_subjectivities(around: Surroundings) -> list[SubjectivityRow]:
    """Return the open conditions of the quote that must be met before it is bound: those without a date, and those
    whose date has passed. The others may follow.
    """
    return [row for row in open_subjectivities(around) if row.due_on is None or row.due_on < around.today]


def open_subjectivities(around: Surroundings) -> list[SubjectivityRow]:
    """Return the conditions of the quote that the carrier still has and nobody has met."""
    return [
        row
        for row in around.subjectivities
        if row.quote_request_id == around.request.id and row.done_at is None and row.closed_at is None
    ]


def label_of(catalogue: CompiledCatalogue, path: str) -> str:
    """Return the label of the question or pool at ``path``."""
    code = Path(path).code
    question, pool = catalogue.questions.get(code), catalogue.pools.get(code)
    if question is not None:
        return question.question.label
    return catalogue.sets[pool.set_code].question_set.title if pool else code


def line_of(catalogue: CompiledCatalogue, product: str) -> str:
    """Return the code of a product's line, "" for one that the release no longer has."""
    known = catalogue.products.get(product)
    return known.product.line if known else ""


def _concerns(catalogue: CompiledCatalogue, path: str, product: str) -> bool:
    question = catalogue.questions.get(Path(path).code)
    return question is None or not question.question.products or product in question.question.products


def _quote_refusals(request: QuoteRequestRow, today: date) -> Iterator[CannotBind]:
    if request.state == "stale":
        yield QuoteIsStale(request.reason)
    elif request.state == "expired" or (
        request.state in OFFERED and request.valid_until is not None and request.valid_until < today
    ):
        yield QuoteHasExpired(request.valid_until)
    elif request.state == "estimated":
        yield QuoteIsIndication()
    elif request.state not in OFFERED:
        yield NoQuoteToBind(request.state)
    elif not request.is_bindable or request.premium is None:
        yield QuoteIsIndication()


def _replaces(other: QuoteRequestRow, request: QuoteRequestRow) -> bool:
    is_newer = (other.created_at, other.id) > (request.created_at, request.id)
    return other.product == request.product and is_newer and other.state not in _NO_REPLACEMENT


def _bindings_of_line(catalogue: CompiledCatalogue, around: Surroundings) -> Iterable[BindingRow]:
    line = line_of(catalogue, around.request.product)
    of_line = {row.id for row in around.requests if line_of(catalogue, row.product) == line}
    return (row for row in around.bindings if row.quote_request_id in of_line)


def _bound_line(catalogue: CompiledCatalogue, around: Surroundings) -> Iterator[CannotBind]:
    line = line_of(catalogue, around.request.product)
    for row in around.requests:
        if row.state == "bound" and row.id != around.request.id and line_of(catalogue, row.product) == line:
            label = next((part.label for part in catalogue.definition.lines if part.code == line), line)
            yield LineIsBound(label, row.policy_number)
            return


def _consent_refusals(binding: BindingRow | None, wording_hash: str) -> Iterator[CannotBind]:
    consent: dict[str, Any] = binding.consent if binding else {}
    if consent:
        if consent["wording_hash"] != wording_hash:
            yield ConsentIsVoid("The terms have changed")
    elif binding and binding.consent_void_reason:
        yield ConsentIsVoid(binding.consent_void_reason)
    else:
        yield ConsentIsMissing()
