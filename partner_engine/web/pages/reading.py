"""The input of page models: one copy as one reader may see it, with messages and needed answers by path. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from batch.changes.guest_scope import WHOLE, GuestScope
from batch.changes.mutators.messages import MessageRow
from copies.changes import Change
from copies.document import Answer, Container, Document, Proposal, find_answer, find_container
from copies.paths import Path, split_first, split_path
from partner_engine.web.pages.base_answers import match_base_rows
from partner_engine.web.pages.question_counts import LONG_FORM, count_proposed, count_questions, first_sets
from partner_engine.web.pages.quote_facts import Gate, QuoteFacts
from presentation import visibility
from presentation.product_names import product_name
from presentation.visibility import Visibility
from rules.definition.catalogue import Sensitivity
from rules.definition.model import CompiledCatalogue
from rules.definition.past_labels import PastLabels
from rules.flow.evaluation import Evaluation, Message, ProductOutcome

#: A question names the products that need its answer and at most two others.
_NEEDED_BY: Final = 3


def opening_answers(outcome: ProductOutcome) -> tuple[str, ...]:
    """Return the paths of the questions that name the product of ``outcome``, because few answers open it."""
    return tuple(outcome.missing) if len(outcome.missing) <= _NEEDED_BY else ()


@dataclass(frozen=True)
class Reader:
    """The reader of a page, with their access and time zone. ``guest_id`` is empty unless the reader is a guest.

    A guest sees only what is in ``scope``, with the agent's ``notes`` by path; ``unknown`` are the paths of the answers
    that they do not know.
    """

    zone: ZoneInfo
    now: datetime
    may_write: bool = True
    sees_pii: bool = True
    guest_id: str = ""
    has_finished: bool = False
    may_copy: bool = False
    scope: GuestScope = WHOLE
    notes: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    @property
    def is_guest(self) -> bool:
        """Return whether the reader is a guest, who must not see products."""
        return bool(self.guest_id)


@dataclass(frozen=True)
class CopyFacts:
    """The copy's own fields that a page shows."""

    id: str
    form_id: str
    title: str
    version: int
    saved_at: datetime
    as_of: date
    as_of_is_fixed: bool = False
    locked_at: datetime | None = None
    locked_by: str = ""
    lock_reason: str = ""
    #: The number of the release of a decision that stays as it is, of a locked or bound copy; None for all others.
    kept_release: int | None = None
    is_test: bool = False

    @property
    def locked(self) -> bool:
        """Return whether the copy is locked."""
        return self.locked_at is not None


@dataclass(frozen=True)
class Reading:
    """One copy as one reader sees it.

    ``open_rows`` are the ids of the expanded rows of long pools, ``open_sets`` the codes of the sets that the page has
    drawn, None where it has drawn nothing yet, ``posted`` the posted messages, oldest first.
    ``draws_all`` is true for a page whose sets and rows no script opens: it shows every answer.
    ``unknown_to`` are the names of guests who do not know an answer, by path.
    ``premiums_before`` are the premiums by product before the save that the page shows, if it shows one.
    ``past_labels`` returns the labels of what the release no longer asks.
    ``quotes`` are the copy's quote requests, and ``load_gates`` returns the products that the agency cannot place.
    ``today`` is the current catalogue where ``catalogue`` is that of an older decision, with its sensitivities in
    ``then``. ``load_base`` returns the document of the form's base if this copy is another one.
    """

    facts: CopyFacts
    reader: Reader
    catalogue: CompiledCatalogue
    document: Document
    evaluation: Evaluation
    open_rows: frozenset[str] = frozenset()
    open_sets: frozenset[str] | None = None
    draws_all: bool = False
    posted: tuple[MessageRow, ...] = ()
    today: CompiledCatalogue | None = None
    then: tuple[Mapping[str, Sensitivity], ...] = ()
    past_labels: Callable[[], PastLabels] = PastLabels
    premiums_before: Mapping[str, int | None] = field(default_factory=dict)
    load_base: Callable[[], Document | None] = lambda: None
    unknown_to: Mapping[str, str] = field(default_factory=dict)
    quotes: tuple[QuoteFacts, ...] = ()
    load_gates: Callable[[], Mapping[str, Gate]] = dict

    def after(self, before: Evaluation) -> Reading:
        """Return this reading as that of a save that started from the evaluation ``before``."""
        premiums = {code: outcome.premium for code, outcome in before.eligibility.items()}
        return replace(self, premiums_before=premiums)

    def as_record(self) -> Reading:
        """Return this reading for a page of its own that nobody can change: with every set and row drawn."""
        return replace(self, reader=replace(self.reader, may_write=False), draws_all=True)

    @property
    def is_writable(self) -> bool:
        """Return whether the reader can change answers now."""
        return self.reader.may_write and not self.facts.locked

    @cached_property
    def base(self) -> Document | None:
        """Return the document of the form's base, None if this copy is the base."""
        return self.load_base()

    @cached_property
    def gates(self) -> Mapping[str, Gate]:
        """Return the products that the agency cannot place, with the reason; none for guests."""
        return {} if self.reader.is_guest else self.load_gates()

    @cached_property
    def base_rows(self) -> dict[str, str]:
        """Map the path of each row that the base has too to its path there."""
        return {} if self.base is None else match_base_rows(self, self.base)

    @cached_property
    def told(self) -> list[Message]:
        """Return the rules' messages that the reader may read."""
        found = self.visibility.messages(self.evaluation.messages, lambda: self.document)
        return [message for message in found if self.asks(message.path)]

    @cached_property
    def messages(self) -> dict[str, list[Message]]:
        """Return the messages by path."""
        found: dict[str, list[Message]] = defaultdict(list)
        for message in self.told:
            # Warnings, notes, and tasks are for agents only.
            if message.kind == "error" or not self.reader.is_guest:
                found[message.path].append(message)
        return dict(found)

    def asks(self, path: str) -> bool:
        """Return whether the reader is asked about ``path``: a guest only about what their link names."""
        return self.reader.scope.is_whole or self.reader.scope.has(self.catalogue, path)

    def asked(self, changes: Iterable[Change]) -> list[Change]:
        """Return those of ``changes`` that the reader is asked about."""
        return [change for change in changes if self.reader.scope.is_whole or self.asks(change.path)]

    @cached_property
    def left_to_quote(self) -> tuple[str, ...]:
        """Return the paths that are needed to quote and that the reader can answer: a guest only what they are asked
        and know, in the form's order.
        """
        needed = self.evaluation.needed.quote
        if not self.reader.is_guest:
            return needed
        return tuple(path for path in needed if self.asks(path) and not self.is_left_to_agent(path))

    def is_left_to_agent(self, path: str) -> bool:
        """Return whether the guest left the answer at ``path`` to the agent, who alone can give a read-only one."""
        answer = self.answer(path)
        is_answered = answer is not None and answer.is_answered
        return (answer is not None and answer.readonly) or (path in self.reader.unknown and not is_answered)

    @cached_property
    def needed_to_quote(self) -> frozenset[str]:
        """Return the paths that are needed to quote."""
        return frozenset(self.left_to_quote)

    @cached_property
    def needed_to_bind(self) -> frozenset[str]:
        """Return the paths that are needed to bind."""
        return frozenset(self.evaluation.needed.bind)

    @cached_property
    def needed_in_rows(self) -> Counter[str]:
        """Return the number of answers needed to quote in each row, by the row's path."""
        found = Counter[str]()
        for path, number in self._needed_by_row.items():
            for row in Path(path).rows_around():
                found[row] += number
        return found

    @cached_property
    def needed_in_sets(self) -> Counter[str]:
        """Return the number of answers needed to quote on the card of each question set."""
        found = Counter[str]()
        for path, number in self._needed_by_row.items():
            found[self.top_set(path)] += number
        return found

    @cached_property
    def _needed_by_row(self) -> Counter[str]:
        """Return the number of answers needed to quote by the path of one of them, one for each row or single answer:
        a form with many rows needs many, which the rows around them and the sets have in common.
        """
        firsts: dict[str, str] = {}
        rows = ((split_path(path)[0], path) for path in self.left_to_quote)
        return Counter(firsts.setdefault(row, path) if row else path for row, path in rows)

    @cached_property
    def faulty_rows(self) -> frozenset[str]:
        """Return the paths of the rows that contain a wrong answer."""
        wrong = (message.path for message in self.told if message.kind == "error")
        return frozenset(row for path in wrong for row in Path(path).rows_around())

    @cached_property
    def opened_by(self) -> dict[str, list[str]]:
        """Map each path to the names of the products that need this answer and at most two others."""
        found: dict[str, list[str]] = defaultdict(list)
        if self.reader.is_guest:
            return found
        for code, outcome in self.evaluation.eligibility.items():
            for path in opening_answers(outcome):
                found[path].append(product_name(self.catalogue, code))
        return dict(found)

    @cached_property
    def visible_sets(self) -> frozenset[str]:
        """Return the codes of the question sets on the document."""
        return frozenset(question_set.code for question_set in self.document.question_sets)

    @cached_property
    def top_sets(self) -> tuple[str, ...]:
        """Return the codes of the question sets with a card of their own."""
        return tuple(code for code, found in self.catalogue.sets.items() if not found.parent)

    @cached_property
    def questions_by_set(self) -> Counter[str]:
        """Return the number of questions that each card shows, by the code of its set."""
        return count_questions(self.catalogue, self.document)

    @cached_property
    def proposed_by_set(self) -> Counter[str]:
        """Return the number of proposed answers that the reader can see, by the set whose card shows them."""
        return count_proposed(self.catalogue, self.document, is_shown=self.shows_proposal)

    def shows_proposal(self, path: str, proposed: Proposal) -> bool:
        """Return whether the reader can see the value that is proposed for the answer at ``path``."""
        return not self.visibility.hides(path, tag=proposed.tag)

    @cached_property
    def drawn_sets(self) -> frozenset[str]:
        """Return the codes of the sets whose cards are drawn: all, or in a long form those that were opened."""
        if self.draws_all or self.questions_by_set.total() <= LONG_FORM:
            return frozenset(self.top_sets)
        if self.open_sets is not None:
            return self.open_sets
        return first_sets(self.questions_by_set, (code for code in self.top_sets if code in self.visible_sets))

    @cached_property
    def visibility(self) -> Visibility:
        """Return which values the reader may see."""
        reader = visibility.Reader(sees_personal=self.reader.sees_pii, guest_id=self.reader.guest_id)
        return Visibility(self.today or self.catalogue, reader, past=self.then)

    def container(self, path: str) -> Container | None:
        """Return the container of the answer at ``path``."""
        return find_container(self.document, Path(path).parent)

    def answer(self, path: str) -> Answer | None:
        """Return the answer at ``path``."""
        return find_answer(self.document, path)

    def top_set(self, path: str) -> str:
        """Return the code of the set whose card shows the answer, pool, or row at ``path``, "" for none."""
        first, rest = split_first(path)
        pool = self.catalogue.pools.get(first)
        if pool is not None:
            return pool.set_code
        question = self.catalogue.questions.get(first)
        return question.set_code if question and not rest else ""

    def label(self, path: str) -> str:
        """Return the label of the question or pool at ``path``."""
        code = Path(path).code
        question = self.catalogue.questions.get(code)
        if question is not None:
            return question.question.label
        pool = self.catalogue.pools.get(code)
        return self.catalogue.sets[pool.set_code].question_set.title if pool else self.past_labels().of(code)
