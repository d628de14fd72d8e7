"""The changes of one unit of work, in memory: callers take the mutators of everything that may change from here. Pure.

A changeset belongs to one load. After the save it is stale, and so is every mutator taken from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Generic, TypeVar, overload

from actions.kinds import DeferredAction
from batch.changes.attached import RecordKind
from batch.changes.guest_scope import GuestScope
from batch.changes.input import plan_answers
from batch.changes.mutators.answers import AnswerMutator
from batch.changes.mutators.application_form import ApplicationFormMutator
from batch.changes.mutators.bindings import Bindings
from batch.changes.mutators.copy_fields import CopyFieldsMutator
from batch.changes.mutators.dispositions import Dispositions
from batch.changes.mutators.eligibility_results import EligibilityResults
from batch.changes.mutators.events import Events
from batch.changes.mutators.exclusions import ExclusionsMutator
from batch.changes.mutators.guest_links import GuestLinks
from batch.changes.mutators.messages import Messages
from batch.changes.mutators.naics_searches import NaicsSearches
from batch.changes.mutators.payment_methods import PaymentMethods
from batch.changes.mutators.pools import PoolMutator, RowMutator, open_pool
from batch.changes.mutators.processes import Processes
from batch.changes.mutators.question_sets import QuestionSetMutator
from batch.changes.mutators.quote_requests import QuoteRequests
from batch.changes.mutators.subjectivities import Subjectivities
from batch.changes.orphans import Orphans
from batch.changes.record_mutator import RecordCollection
from batch.changes.records import Loaded, SaveContext
from batch.changes.shared_work import SharedWork
from batch.changes.snapshots import CopyFields, FormFields
from batch.changes.tracker import ChangeTracker, Mode, Sealing
from batch.errors import UnknownQuestion, UnknownQuestionSet
from copies.changes import RELEASE, Cause, Change
from copies.document import Document, DocumentQuestionSet
from copies.paths import Path, answer_code, row_steps, split_path
from presentation.visibility import Visibility
from rules.definition.model import CompiledCatalogue

__all__ = ["KINDS", "Changeset", "Mode"]

_FORM_OF_ANSWERS: Final = ": a path goes pool/row id/.../code"

C = TypeVar("C", bound=RecordCollection[Any, Any])


class Attached(Generic[C]):
    """An attribute of the changeset that holds the attached records of one kind."""

    def __init__(self, collection: Callable[[ChangeTracker], C], kind: RecordKind[Any]) -> None:
        self.kind = kind
        self._collection = collection

    @overload
    def __get__(self, changeset: None, owner: type[Changeset]) -> Attached[C]: ...
    @overload
    def __get__(self, changeset: Changeset, owner: type[Changeset]) -> C: ...
    def __get__(self, changeset: Changeset | None, owner: type[Changeset]) -> Attached[C] | C:
        return self if changeset is None else self._collection(changeset.tracker)


def attached(collection: type[C]) -> Attached[C]:
    """Return the attribute for the records of ``collection``."""
    return Attached(collection, collection.mutator.kind)


class Changeset:
    """All changes of one unit of work on one copy. Reached as ``context.changeset``."""

    # The attached records, in the order in which their changes are reported and written
    quote_requests = attached(QuoteRequests)
    subjectivities = attached(Subjectivities)
    bindings = attached(Bindings)
    eligibility_results = attached(EligibilityResults)
    messages = attached(Messages)
    events = attached(Events)
    processes = attached(Processes)
    dispositions = attached(Dispositions)
    payment_methods = attached(PaymentMethods)
    naics_searches = attached(NaicsSearches)
    guest_links = attached(GuestLinks)

    def __init__(
        self,
        document: Document,
        *,
        loaded: Loaded,
        context: SaveContext,
        sealing: Sealing,
        mode: Mode = Mode.WRITABLE,
        shared: SharedWork | None = None,
    ) -> None:
        """Made by ``BatchContext``; ``document`` is the changeset's own and is changed in place. ``shared`` is the work
        that the copies of a chunk share.
        """
        #: For the batch itself: mutators write to it, a save reads it.
        self.tracker: Final = ChangeTracker(
            document, loaded=loaded, context=context, sealing=sealing, kinds=KINDS, mode=mode, shared=shared
        )
        #: Why the version comes about, where its actor does not say it: a merge or a revert.
        self.cause: Cause | None = None
        #: Whether the cause is worth a version by itself.
        self.is_event = False
        #: Whether pools that are new on the form begin with the rows that they need, as pages let them.
        self.starts_rows = False
        #: Actions requested for after the save, besides those that follow from the changes.
        self.deferred: list[DeferredAction] = []

    # Reading

    @property
    def document(self) -> Document:
        """Return the document with the changes so far."""
        return self.tracker.document

    @property
    def catalogue(self) -> CompiledCatalogue:
        """Return the catalogue of the deciding release."""
        return self.tracker.catalogue

    @property
    def sealing(self) -> Sealing:
        """Return the means to read sensitive answers of this copy."""
        return self.tracker.sealing

    @property
    def visibility(self) -> Visibility:
        """Return which values the actor may see."""
        return self.tracker.visibility

    @property
    def guest_scope(self) -> GuestScope:
        """Return the part of the copy that the actor may change: for a guest what their link names."""
        return self.tracker.guest_scope

    @property
    def copy_fields(self) -> CopyFields:
        """Return title, owner, lock and deletion of the copy."""
        return self.tracker.copy_fields

    @property
    def form_fields(self) -> FormFields:
        """Return reference and archiving of the form."""
        return self.tracker.form_fields

    @property
    def is_base(self) -> bool:
        """Return whether the copy is the base, with the changes so far."""
        loaded = self.tracker.loaded
        return loaded.copy.id == (self.form_fields.base_copy_id or loaded.form.id)

    @property
    def requests_nothing(self) -> bool:
        """Return whether nothing was submitted, deferred or changed: the copy is asked to be as it is."""
        return not (self.deferred or self.is_event or self.tracker.submitted_paths or self.own_changes())

    @property
    def version(self) -> int:
        """Return the version that was loaded."""
        return self.tracker.version

    @property
    def mode(self) -> Mode:
        """Return whether the changeset may be written, only read, or is stale."""
        return self.tracker.mode

    def question_set(self, code: str) -> DocumentQuestionSet | None:
        """Return the question set ``code`` on the document, None where it is not."""
        return self.tracker.question_set(code)

    def changes(self) -> list[Change]:
        """Return the changes since the load."""
        return self.tracker.changes()

    def own_changes(self) -> list[Change]:
        """Return the changes of this unit of work: all but those that follow from a later release."""
        return [change for change in self.changes() if change.cause.type != RELEASE]

    def caused_by(self, rule: Cause) -> AbstractContextManager[None]:
        """Return a context manager: the changes inside its block have ``rule`` as their cause, not the actor."""
        return self.tracker.caused_by(rule)

    # Life

    def freeze(self) -> None:
        """Refuse all further writes."""
        self.tracker.mode = Mode.READ_ONLY

    def close(self) -> None:
        """Make the changeset and its mutators stale."""
        self.tracker.mode = Mode.STALE

    def defer(self, action: DeferredAction) -> None:
        """Run ``action`` after the save: it is stored with the save in the outbox, or not at all.

        The last action of one kind and target counts. A save without any change is written for it.
        """
        self.tracker.require_writable()
        self.deferred.append(action)

    def note_cause(self, cause: Cause, *, is_event: bool = False) -> None:
        """Record ``cause`` with the version that will be saved: a ``merge`` with the other copy and its version, a
        ``revert`` with the number of the version. History shows it beside the actor.

        A save without any change is written for an event: a merge in which this copy keeps all that differs was decided
        too.
        """
        self.tracker.require_writable()
        self.cause, self.is_event = cause, is_event

    # The document

    def find_answer(self, path: str) -> AnswerMutator:
        """Return the mutator of the answer at ``path`` (``code`` or ``pool/<row id>/code``).

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        self.tracker.require_open()
        code = answer_code(path)
        if code is None:
            raise UnknownQuestion(path, _FORM_OF_ANSWERS)
        if code != path:
            return self.find_row(split_path(path)[0]).find_answer(code)
        question = self.catalogue.questions.get(code)
        if question is None:
            raise UnknownQuestion(path)
        if question.pool:
            raise UnknownQuestion(path, f": it belongs to the rows of {question.pool!r}")
        return AnswerMutator(self.tracker, self.document, "", question.question)

    def find_pool(self, code: str) -> PoolMutator:
        """Return the pool ``code`` at the top of the document. Raises ``UnknownPool``."""
        self.tracker.require_open()
        return open_pool(self.tracker, self.document, "", code, parent="")

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

    @property
    def orphans(self) -> Orphans:
        """Return the answers and pools at the top of the document that the release does not have there."""
        self.tracker.require_open()
        return Orphans(self.tracker, self.document, "", "")

    def remove_orphan(self, path: str) -> None:
        """Remove what the release no longer has at ``path``: an answer, a row, or all rows of a pool.

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        place, row_id = (path, "") if Path(path).is_answer else split_path(path)
        row, code = split_path(place)
        orphans = self.find_row(row).orphans if row else self.orphans
        if row_id:
            orphans.remove_row(code, row_id)
        else:
            orphans.remove(code)

    def require_place(self, path: str) -> None:
        """Check that ``path`` names an answer or an existing row.

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        if Path(path).is_answer:
            self.find_answer(path)
        else:
            self.find_row(path)

    def apply_answers(self, answers: Mapping[str, object], answer_pools: Mapping[str, object] | None = None) -> None:
        """Apply many answers and rows at once, in the shapes of the API.

        ``answers`` maps codes to values (None clears); ``answer_pools`` maps pools to lists of ``{answers,
        answer_pools}`` (a new row), the same with ``id`` (a change) or ``{id, delete: true}``.
        Raises ``InvalidAnswers`` with every fault; then nothing was changed.
        """
        self.tracker.require_writable()
        pools = {} if answer_pools is None else answer_pools
        plan_answers(self.tracker, self, answers=answers, answer_pools=pools).carry_out()

    def find_question_set(self, code: str) -> QuestionSetMutator:
        """Return the question set ``code`` on the document. Raises ``UnknownQuestionSet``."""
        self.tracker.require_open()
        found = self.question_set(code)
        if found is None:
            raise UnknownQuestionSet(code)
        return QuestionSetMutator(self.tracker, found)

    def add_question_set(self, code: str) -> QuestionSetMutator:
        """Put the question set ``code`` on the document, in the catalogue's order, unless it is there.

        Raises ``UnknownQuestionSet``.
        """
        self.tracker.require_writable()
        if code not in self.catalogue.sets:
            raise UnknownQuestionSet(code)
        found = self.question_set(code)
        if found is None:
            self.tracker.touch_question_set(code)
            found = DocumentQuestionSet(code=code, added_by=self.tracker.adder, created_at=self.tracker.now)
            self.document.question_sets.append(found)
            order = {set_code: position for position, set_code in enumerate(self.catalogue.sets)}
            # A set that a later release no longer has stays last.
            self.document.question_sets.sort(key=lambda question_set: order.get(question_set.code, len(order)))
        return QuestionSetMutator(self.tracker, found)

    @property
    def exclusions(self) -> ExclusionsMutator:
        """Return the mutator of excluded and bypassed products."""
        self.tracker.require_open()
        return ExclusionsMutator(self.tracker)

    # The copy and its form

    @property
    def copy(self) -> CopyFieldsMutator:
        """Return the mutator of the copy's title, owner, lock and deletion."""
        self.tracker.require_open()
        return CopyFieldsMutator(self.tracker)

    @property
    def application_form(self) -> ApplicationFormMutator:
        """Return the mutator of the fields that all copies share: reference and archiving."""
        self.tracker.require_open()
        return ApplicationFormMutator(self.tracker)


#: Every kind of attached record, in the order of the changeset's attributes.
KINDS: Final[Sequence[RecordKind[Any]]] = tuple(
    attribute.kind for attribute in vars(Changeset).values() if isinstance(attribute, Attached)
)
