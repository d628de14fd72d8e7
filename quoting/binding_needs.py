"""What a quote still needs before it is bound, and the reasons for which it cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

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
from batch.errors import BatchError
from copies.codec import decode_document, encode_document
from copies.document import Document, walk_answers
from copies.paths import Path
from presentation.consent_wording import ConsentTerms, consent_wording, wording_hash
from rules.definition.labels import label_of
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import AnswerState, Evaluation
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


class BindQuestions(NamedTuple):
    """The paths of the answers that binding a product concerns, in the form's order: all ``asked``, and those of them
    and of pools that are still ``needed``.
    """

    asked: tuple[str, ...]
    needed: tuple[str, ...]


def bind_questions(
    catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, product: str, *, reveal: Reveal
) -> BindQuestions:
    """Return the questions of ``product``: those that would be needed if its line were the only requested one, without
    questions of other products.
    """
    alone, states, needed = _alone(catalogue, document, evaluation, product, reveal)
    required = {path: answer.required for path, answer in walk_answers(alone) if answer.active}
    required |= {state.path: state.required if state.active else "" for state in states}
    asked = {path for path, purpose in required.items() if purpose == "bind"} | set(needed)
    order = {code: place for place, code in enumerate(catalogue.questions)}
    concerned = [path for path in dict.fromkeys([*required, *needed]) if path in asked]
    concerned = [path for path in concerned if _concerns(catalogue, path, product)]
    return BindQuestions(
        asked=tuple(sorted(concerned, key=lambda path: order.get(Path(path).code, -1))),
        needed=tuple(path for path in evaluation.needed.bind if path in needed and path in concerned),
    )


def _alone(
    catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, product: str, reveal: Reveal
) -> tuple[Document, Sequence[AnswerState], frozenset[str]]:
    """Return the document with the line of ``product`` alone, the states that differ in it, and what it needs."""
    lines_code, line = catalogue.definition.lines_question, catalogue.products[product].product.line
    lines = document.answers.get(lines_code)
    if lines is None or lines.value == [line]:
        return document, (), frozenset(evaluation.needed.bind)
    alone = decode_document(encode_document(document))
    alone.answers[lines_code].value = [line]
    decided = check_flow.run(catalogue, alone, as_of=evaluation.as_of, release=evaluation.release, reveal=reveal)
    return alone, decided.states, frozenset(decided.evaluation.needed.bind)


def refusals(
    catalogue: CompiledCatalogue, around: Surroundings, *, needed: Sequence[str], present: str
) -> Iterator[CannotBind]:
    """Yield the reasons for which the quote cannot be bound now, the most fundamental first.

    ``needed`` are the paths of missing answers, ``present`` is the hash of the present wording of the consent.
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
    yield from _consent_refusals(binding, present)


def blocking_subjectivities(around: Surroundings) -> list[SubjectivityRow]:
    """Return the open conditions of the quote that must be met before it is bound: those without a date, and those
    whose date has passed. The others may follow.
    """
    return [row for row in open_subjectivities(around) if row.due_on is None or row.due_on < around.today]


def open_subjectivities(around: Surroundings) -> list[SubjectivityRow]:
    """Return the conditions of the quote that the carrier still has and nobody has met."""
    return [row for row in around.subjectivities if row.quote_request_id == around.request.id and row.is_open]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """One quote on its way to a policy: the terms, what is still needed, and why it cannot be bound now.

    ``subjectivities`` are the open conditions, ``blocking`` those of them that must be met first; ``terms`` is None
    without a premium.
    """

    request: QuoteRequestRow
    binding: BindingRow | None
    terms: ConsentTerms | None
    questions: BindQuestions
    subjectivities: tuple[SubjectivityRow, ...]
    refusals: tuple[BatchError, ...]

    @property
    def wording(self) -> str:
        """Return the text of the consent, "" without a premium."""
        return consent_wording(self.terms) if self.terms else ""

    @property
    def wording_hash(self) -> str:
        """Return the hash of the wording, "" without one."""
        return wording_hash(self.wording) if self.terms else ""

    @property
    def before_consent(self) -> tuple[BatchError, ...]:
        """Return the refusals other than that consent is missing or void."""
        return tuple(error for error in self.refusals if not isinstance(error, ConsentIsMissing | ConsentIsVoid))


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


def _consent_refusals(binding: BindingRow | None, present: str) -> Iterator[CannotBind]:
    consent: dict[str, Any] = binding.consent if binding else {}
    if consent:
        if consent["wording_hash"] != present:
            yield ConsentIsVoid("The terms have changed")
    elif binding and binding.consent_void_reason:
        yield ConsentIsVoid(binding.consent_void_reason)
    else:
        yield ConsentIsMissing()
