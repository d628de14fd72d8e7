"""The input of page models: one copy as one reader may see it, with messages and needed answers by path. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from batch.changes.mutators.messages import MessageRow
from copies.document import Answer, Container, Document, find_container
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation, Message


@dataclass(frozen=True)
class Reader:
    """The reader of a page, with their access and time zone. ``guest_id`` is empty unless the reader is a guest."""

    zone: ZoneInfo
    now: datetime
    may_write: bool = True
    sees_pii: bool = True
    guest_id: str = ""
    has_finished: bool = False

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
    locked: bool = False


@dataclass(frozen=True)
class Reading:
    """One copy as one reader sees it.

    ``open_rows`` are the ids of the expanded rows of long pools, ``posted`` the posted messages, oldest first.
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
        """Return whether the reader can change answers now."""
        return self.reader.may_write and not self.facts.locked

    @cached_property
    def messages(self) -> dict[str, list[Message]]:
        """Return the messages by path."""
        found: dict[str, list[Message]] = defaultdict(list)
        for message in self.evaluation.messages:
            # Warnings, notes, and tasks are for agents only.
            if message.kind == "error" or not self.reader.is_guest:
                found[message.path].append(message)
        return dict(found)

    @cached_property
    def needed_to_quote(self) -> frozenset[str]:
        """Return the paths that are needed to quote."""
        return frozenset(self.evaluation.needed.quote)

    @cached_property
    def needed_to_bind(self) -> frozenset[str]:
        """Return the paths that are needed to bind."""
        return frozenset(self.evaluation.needed.bind)

    @cached_property
    def needed_in_rows(self) -> Counter[str]:
        """Return the number of answers needed to quote in each row, by the row's path."""
        return Counter(row for path in self.evaluation.needed.quote for row in rows_around(path))

    @cached_property
    def faulty_rows(self) -> frozenset[str]:
        """Return the paths of the rows that contain a wrong answer."""
        wrong = (message.path for message in self.evaluation.messages if message.kind == "error")
        return frozenset(row for path in wrong for row in rows_around(path))

    @cached_property
    def opened_by(self) -> dict[str, list[str]]:
        """Map each path to the names of the products that need this answer and at most two others."""
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

    def is_masked(self, question: Question, answer: Answer | None = None) -> bool:
        """Return whether the answer is masked for the reader. Guests see the personal answers that they gave."""
        if question.sensitivity == "pii" and not self.reader.sees_pii:
            by = answer.answered_by if answer is not None and answer.is_answered else None
            return by is None or not self.reader.is_guest or (by.type, by.id) != ("guest", self.reader.guest_id)
        return question.sensitivity == "spi"

    def container(self, path: str) -> Container | None:
        """Return the container of the answer at ``path``."""
        return find_container(self.document, path.rpartition("/")[0])

    def answer(self, path: str) -> Answer | None:
        """Return the answer at ``path``."""
        container = self.container(path)
        return container.answers.get(path.rpartition("/")[2]) if container else None

    def top_set(self, path: str) -> str:
        """Return the code of the set whose card shows the answer, pool, or row at ``path``, "" for none."""
        first, _, rest = path.partition("/")
        pool = self.catalogue.pools.get(first)
        if pool is not None:
            return pool.set_code
        question = self.catalogue.questions.get(first)
        return question.set_code if question and not rest else ""

    def label(self, path: str) -> str:
        """Return the label of the question or pool at ``path``."""
        code = path.rpartition("/")[2]
        question = self.catalogue.questions.get(code)
        if question is not None:
            return question.question.label
        pool = self.catalogue.pools.get(code)
        return self.catalogue.sets[pool.set_code].question_set.title if pool else code


def rows_around(path: str) -> Iterator[str]:
    """Yield the paths of the rows around ``path``, outermost first."""
    parts = path.split("/")
    for length in range(2, len(parts), 2):
        yield "/".join(parts[:length])


def carrier_and_line(catalogue: CompiledCatalogue, code: str) -> tuple[str, str]:
    """Return the names of a product's carrier and of the product, which defaults to that of its line."""
    known = catalogue.products.get(code)
    if known is None:
        return code, ""
    product = known.product
    carrier = next(
        (found.name for found in catalogue.definition.carriers if found.code == product.carrier), product.carrier
    )
    return carrier, product.label or known.line.line.label


def product_name(catalogue: CompiledCatalogue, code: str) -> str:
    """Return a product's name with that of its carrier."""
    return " ".join(filter(None, carrier_and_line(catalogue, code)))
