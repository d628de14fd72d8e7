"""What one reader may see of one copy, and where its needs and messages stand: what page models read. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from batch.changes.mutators.messages import MessageRow
from copies.document import Answer, Container, Document, find_answer, find_container
from copies.paths import Path, split_first
from presentation import visibility
from presentation.product_names import product_name
from presentation.visibility import Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation, Message


@dataclass(frozen=True)
class Reader:
    """Who looks: what they may do and the time zone that their times are in; ``guest_id`` where it is a guest."""

    zone: ZoneInfo
    now: datetime
    may_write: bool = True
    sees_pii: bool = True
    guest_id: str = ""
    has_finished: bool = False

    @property
    def is_guest(self) -> bool:
        """Tell whether it is a guest, who answers and learns nothing of products."""
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
    locked: bool = False


@dataclass(frozen=True)
class Reading:
    """One copy as one reader sees it. ``open_rows`` are the ids of rows of long pools that the page has open,
    ``posted`` the posted messages in the order they were made.
    """

    facts: CopyFacts
    reader: Reader
    catalogue: CompiledCatalogue
    document: Document
    evaluation: Evaluation
    open_rows: frozenset[str] = frozenset()
    posted: tuple[MessageRow, ...] = ()

    @property
    def is_writable(self) -> bool:
        """Tell whether the reader can change answers now."""
        return self.reader.may_write and not self.facts.locked

    @cached_property
    def messages(self) -> dict[str, list[Message]]:
        """Return messages by the path that they stand at."""
        found: dict[str, list[Message]] = defaultdict(list)
        for message in self.evaluation.messages:
            # Warnings, notes and tasks speak to agents.
            if message.kind == "error" or not self.reader.is_guest:
                found[message.path].append(message)
        return dict(found)

    @cached_property
    def needed_to_quote(self) -> frozenset[str]:
        """Return the paths that a quote waits for."""
        return frozenset(self.evaluation.needed.quote)

    @cached_property
    def needed_to_bind(self) -> frozenset[str]:
        """Return the paths that binding waits for."""
        return frozenset(self.evaluation.needed.bind)

    @cached_property
    def needed_in_rows(self) -> Counter[str]:
        """Return how many answers a quote waits for inside each row, by the row's path."""
        return Counter(row for path in self.evaluation.needed.quote for row in Path(path).rows_around())

    @cached_property
    def faulty_rows(self) -> frozenset[str]:
        """Return the paths of rows with a wrong answer in them."""
        wrong = (message.path for message in self.evaluation.messages if message.kind == "error")
        return frozenset(row for path in wrong for row in Path(path).rows_around())

    @cached_property
    def opened_by(self) -> dict[str, list[str]]:
        """Return, by path, the names of products that wait for that answer and for at most two others."""
        found: dict[str, list[str]] = defaultdict(list)
        if self.reader.is_guest:
            return found
        for code, outcome in self.evaluation.eligibility.items():
            if len(outcome.missing) <= 3:
                for path in outcome.missing:
                    found[path].append(product_name(self.catalogue, code))
        return dict(found)

    @cached_property
    def visible_sets(self) -> frozenset[str]:
        """Return the codes of the question sets on the document."""
        return frozenset(question_set.code for question_set in self.document.question_sets)

    @cached_property
    def visibility(self) -> Visibility:
        """Return which values the reader may see."""
        reader = visibility.Reader(sees_personal=self.reader.sees_pii, guest_id=self.reader.guest_id)
        return Visibility(self.catalogue, reader)

    def container(self, path: str) -> Container | None:
        """Return what holds the answer at ``path``."""
        return find_container(self.document, Path(path).parent)

    def answer(self, path: str) -> Answer | None:
        """Return the answer at ``path``."""
        return find_answer(self.document, path)

    def top_set(self, path: str) -> str:
        """Return the code of the set whose card shows ``path``, an answer's, a pool's or a row's; "" for none."""
        first, rest = split_first(path)
        pool = self.catalogue.pools.get(first)
        if pool is not None:
            return pool.set_code
        question = self.catalogue.questions.get(first)
        return question.set_code if question and not rest else ""

    def label(self, path: str) -> str:
        """Return what the question or pool at ``path`` is called."""
        code = Path(path).code
        question = self.catalogue.questions.get(code)
        if question is not None:
            return question.question.label
        pool = self.catalogue.pools.get(code)
        return self.catalogue.sets[pool.set_code].question_set.title if pool else code
