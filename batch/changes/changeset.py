"""The changes of one unit of work, in memory: where callers find the mutator of whatever they want to change. Pure.

A changeset belongs to one load. After the save it is stale, and so is every mutator taken from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from actions.kinds import DeferredAction
from batch.changes.attached import RecordKind
from batch.changes.input import plan_answers
from batch.changes.mutators.answers import AnswerMutator
from batch.changes.mutators.application_form import ApplicationFormMutator
from batch.changes.mutators.copy_fields import CopyFieldsMutator
from batch.changes.mutators.dispositions import DISPOSITIONS, Dispositions
from batch.changes.mutators.eligibility_results import ELIGIBILITY_RESULTS, EligibilityResults
from batch.changes.mutators.events import EVENTS, Events
from batch.changes.mutators.exclusions import ExclusionsMutator
from batch.changes.mutators.guest_links import GUEST_TOKENS, GuestLinks
from batch.changes.mutators.messages import MESSAGES, Messages
from batch.changes.mutators.naics_searches import NAICS_SEARCHES, NaicsSearches
from batch.changes.mutators.payment_methods import PAYMENT_METHODS, PaymentMethods
from batch.changes.mutators.pools import PoolMutator, RowMutator, open_pool
from batch.changes.mutators.processes import PROCESSES, Processes
from batch.changes.mutators.question_sets import QuestionSetMutator
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS, QuoteRequests
from batch.changes.tracker import ChangeTracker, Holding, Mode, Origin, Sealing
from batch.errors import UnknownQuestion, UnknownQuestionSet
from copies.document import DocumentQuestionSet
from copies.paths import Path, row_steps, split_path
from rules.definition.compiler import CompiledCatalogue

__all__ = ["KINDS", "Changeset", "Holding", "Mode", "Origin"]

_FORM_OF_ANSWERS: Final = ": a path goes pool/row id/.../code"

#: Every kind of neighbour, in the order their changes are told and written.
KINDS: Final[Sequence[RecordKind[Any]]] = (
    QUOTE_REQUESTS,
    ELIGIBILITY_RESULTS,
    MESSAGES,
    EVENTS,
    PROCESSES,
    DISPOSITIONS,
    PAYMENT_METHODS,
    NAICS_SEARCHES,
    GUEST_TOKENS,
)


class Changeset(ChangeTracker):
    """All that one unit of work changes on one copy. Reached as ``context.changeset``."""

    def __init__(
        self,
        holding: Holding,
        *,
        catalogue: CompiledCatalogue,
        sealing: Sealing,
        origin: Origin,
        mode: Mode = Mode.WRITABLE,
    ) -> None:
        """Made by the context; the document of ``holding`` is this changeset's own and is changed in place."""
        super().__init__(holding, kinds=KINDS, catalogue=catalogue, sealing=sealing, origin=origin, mode=mode)
        #: What was asked to be done after the save, beside what follows from the changes by itself.
        self.deferred: list[DeferredAction] = []

    def defer(self, action: DeferredAction) -> None:
        """Have ``action`` run after the save: it goes to the outbox with it, or not at all.

        Of one kind and target the last one counts. A save that holds nothing else is written for it.
        """
        self.require_writable()
        self.deferred.append(action)

    # The document

    def find_answer(self, path: str) -> AnswerMutator:
        """Return the mutator of the answer at ``path`` (``code`` or ``pool/<row id>/code``).

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        self.require_open()
        if not Path(path).is_answer:
            raise UnknownQuestion(path, _FORM_OF_ANSWERS)
        row, code = split_path(path)
        if row:
            return self.find_row(row).find_answer(code)
        question = self.catalogue.questions.get(code)
        if question is None:
            raise UnknownQuestion(path)
        if question.pool:
            raise UnknownQuestion(path, f": it belongs to the rows of {question.pool!r}")
        return AnswerMutator(self, self.document, "", question.question)

    def find_pool(self, code: str) -> PoolMutator:
        """Return the pool ``code`` at the top of the document. Raises ``UnknownPool``."""
        self.require_open()
        return open_pool(self, self.document, "", code, parent="")

    def find_row(self, path: str) -> RowMutator:
        """Return the row at ``path`` (``pool/<row id>[/pool/<row id>]``).

        Raises ``UnknownPool``, ``UnknownRow``, or ``UnknownQuestion`` for a path that is no row's.
        """
        if Path(path).is_answer:
            raise UnknownQuestion(path, _FORM_OF_ANSWERS)
        (pool, row_id), *inner = row_steps(path)
        row = self.find_pool(pool).find_row(row_id)
        for pool, row_id in inner:
            row = row.find_pool(pool).find_row(row_id)
        return row

    def require_place(self, path: str) -> None:
        """Check that ``path`` is that of an answer or of a row that is there.

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        if Path(path).is_answer:
            self.find_answer(path)
        else:
            self.find_row(path)

    def apply_answers(self, answers: Mapping[str, object], answer_pools: Mapping[str, object] | None = None) -> None:
        """Take many answers and rows at once, in the shapes of the API.

        ``answers`` maps codes to values (None clears); ``answer_pools`` maps pools to lists of ``{answers,
        answer_pools}`` (a new row), the same with ``id`` (a change) or ``{id, delete: true}``.
        Raises ``InvalidAnswers`` with every fault; then nothing was changed.
        """
        self.require_writable()
        pools = {} if answer_pools is None else answer_pools
        plan_answers(self, self, answers=answers, answer_pools=pools).carry_out()

    def find_question_set(self, code: str) -> QuestionSetMutator:
        """Return the question set ``code`` on the document. Raises ``UnknownQuestionSet``."""
        self.require_open()
        found = self.question_set(code)
        if found is None:
            raise UnknownQuestionSet(code)
        return QuestionSetMutator(self, found)

    def add_question_set(self, code: str) -> QuestionSetMutator:
        """Put the question set ``code`` on the document, in the catalogue's order; one that is there stays.

        Raises ``UnknownQuestionSet``.
        """
        self.require_writable()
        if code not in self.catalogue.sets:
            raise UnknownQuestionSet(code)
        found = self.question_set(code)
        if found is None:
            self.touch_question_set(code)
            found = DocumentQuestionSet(code=code, added_by=self.adder, created_at=self.now)
            self.document.question_sets.append(found)
            order = {set_code: position for position, set_code in enumerate(self.catalogue.sets)}
            # A set that a later release no longer has stays last.
            self.document.question_sets.sort(key=lambda question_set: order.get(question_set.code, len(order)))
        return QuestionSetMutator(self, found)

    @property
    def exclusions(self) -> ExclusionsMutator:
        """Return the mutator of excluded and bypassed products."""
        self.require_open()
        return ExclusionsMutator(self)

    # The copy, its form, and what stands beside the document

    @property
    def copy(self) -> CopyFieldsMutator:
        """Return the mutator of the copy's title, owner, lock and deletion."""
        self.require_open()
        return CopyFieldsMutator(self)

    @property
    def application_form(self) -> ApplicationFormMutator:
        """Return the mutator of what all copies of the form share: reference and archiving."""
        self.require_open()
        return ApplicationFormMutator(self)

    @property
    def quote_requests(self) -> QuoteRequests:
        """Return the copy's quote requests."""
        return QuoteRequests(self)

    @property
    def eligibility_results(self) -> EligibilityResults:
        """Return what carriers themselves said of products."""
        return EligibilityResults(self)

    @property
    def messages(self) -> Messages:
        """Return the messages that were not dismissed."""
        return Messages(self)

    @property
    def events(self) -> Events:
        """Return the events that this unit of work adds."""
        return Events(self)

    @property
    def processes(self) -> Processes:
        """Return the processes that have not ended well."""
        return Processes(self)

    @property
    def dispositions(self) -> Dispositions:
        """Return the form's dispositions."""
        return Dispositions(self)

    @property
    def payment_methods(self) -> PaymentMethods:
        """Return the form's payment methods."""
        return PaymentMethods(self)

    @property
    def naics_searches(self) -> NaicsSearches:
        """Return the industry searches that this unit of work adds."""
        return NaicsSearches(self)

    @property
    def guest_links(self) -> GuestLinks:
        """Return the guests' links that were not revoked."""
        return GuestLinks(self)
