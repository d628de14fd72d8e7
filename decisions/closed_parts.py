"""The parts of a catalogue whose decisions depend on answers that a reader may not see. Pure.

A supposition is tried as often as the caller likes. If a rule compares a hidden answer with a public one, the outcome
for many values of the public one would show the hidden one. So a reader gets no decision of such a part at all
(docs/adr/0024-unreadable-is-never-compared.md).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from copies.document import Answer, Document, walk_answers
from copies.paths import Path
from presentation.visibility import Reader, Visibility
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.definition.product_compiler import product_reads
from rules.incremental.reach import reach_of

#: Different sets of hidden questions whose closed parts one report remembers.
_MOST_KNOWN: Final = 256


class Closed(NamedTuple):
    """The closed products, the products whose quotes are closed besides, and all values that hidden answers reach."""

    products: frozenset[str]
    quotes: frozenset[str]
    values: frozenset[str]


class ClosedParts:
    """What is closed to ``reader``, by the questions that are hidden from them in a document."""

    def __init__(self, catalogue: CompiledCatalogue, reader: Reader) -> None:
        """Know no document yet."""
        self._catalogue = catalogue
        self._visibility = Visibility(catalogue, reader)
        self._always = frozenset(filter(self._visibility.hides, catalogue.questions))
        self._known: dict[frozenset[str], Closed] = {}

    def of(self, document: Document) -> Closed:
        """Return what is closed in ``document``: an answer stays as confidential as when it was given."""
        given = {Path(path).code for path, answer in walk_answers(document) if self._hides(path, answer)}
        hidden = self._always | (given & self._catalogue.questions.keys())
        known = self._known.get(hidden)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[hidden] = closed_by(self._catalogue, hidden)
        return known

    def _hides(self, path: str, answer: Answer) -> bool:
        return answer.sealed is not None or self._visibility.hides(path, tag=answer.tag)

    def compares(self, question: str, document: Document) -> bool:
        """Return whether a validator compares an answer to ``question`` with a value that is closed in ``document``."""
        known = self._catalogue.questions.get(question)
        reads = frozenset[str]().union(*(relation.other.reads for relation in known.relations)) if known else ()
        # Most questions are compared with no other one.
        return bool(reads) and not self.of(document).values.isdisjoint(reads)


def closed_by(catalogue: CompiledCatalogue, hidden: Collection[str]) -> Closed:
    """Return what is closed to a reader from whom the questions ``hidden`` are hidden."""
    values = frozenset(reach_of(catalogue, [(code, "") for code in hidden]))
    if catalogue.definition.lines_question in values:
        everything = frozenset(catalogue.products)
        return Closed(everything, everything, values)
    closed = {code for code, product in catalogue.products.items() if not values.isdisjoint(_reads(product))}
    # A product that is offered only if others are not says what was decided about these.
    while found := {
        code for code, product in catalogue.products.items() if code not in closed and closed & {*product.rivals}
    }:
        closed |= found
    quotes = {code for code, product in catalogue.products.items() if _mixes(product, values)}
    return Closed(frozenset(closed), frozenset(closed | quotes), values)


def _reads(product: CompiledProduct) -> frozenset[str]:
    return frozenset[str]().union(*(reads for _, reads in product_reads(product)))


def _mixes(product: CompiledProduct, values: Collection[str]) -> bool:
    """Return whether a field that the carrier is sent is made of hidden and of other values together."""
    for field in product.payload.quote.leaves():
        reads = field.value.reads
        if len(reads) > 1 and not reads.isdisjoint(values):
            return True
    return False
