"""Suppositions: a draft that is published, a release that is current, answers that are given everywhere. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from copies.document import AnswerValue
from decisions.closed_parts import ClosedParts
from decisions.decide_many import DecidingRelease
from decisions.errors import AnswerNotSupposed
from presentation.visibility import NOBODY, Confidentiality, Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition, Product, without_shadow
from rules.definition.model import CHECKS, RATING, CompiledCatalogue, Gate
from rules.definition.renames import Renames, renames_of
from rules.types.cleaning import InvalidValue, clean

#: Answers that can be supposed at a time.
MOST_ANSWERS: Final = 20
#: The part of a product that has rules less: they are at no place, but the product is another one.
REMOVED: Final = -3
_NO_ANSWERS: Final[Mapping[str, AnswerValue]] = MappingProxyType({})
_NO_PARTS: Final[Mapping[str, frozenset[int]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRelease:
    """A compiled draft; it has no id because it is not published."""

    compiled: CompiledCatalogue
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """What is supposed: ``supposed`` decides instead of ``present``, after ``renames``, on documents in which
    ``answers`` replace those of the questions that are asked.

    ``products`` are the products that alone are different, None where more than products may be. ``parts`` are the
    parts of each of them that differ, as ``redecide_product`` takes them. ``is_quick`` is True if no carrier question
    is asked by another condition. ``closed`` knows the parts that are closed to the report's reader, None if they may
    see everything.
    """

    present: DecidingRelease
    supposed: DecidingRelease
    renames: tuple[Renames, ...] = ()
    answers: Mapping[str, AnswerValue] = field(default_factory=lambda: _NO_ANSWERS)
    products: frozenset[str] | None = None
    parts: Mapping[str, frozenset[int]] = field(default_factory=lambda: _NO_PARTS)
    is_quick: bool = False
    closed: ClosedParts | None = None

    @property
    def lines(self) -> frozenset[str] | None:
        """Return the lines of the products that alone are different, None where any copy may be concerned."""
        if self.products is None:
            return None
        known = [one.compiled.products for one in (self.present, self.supposed)]
        return frozenset(part[code].product.line for code in self.products for part in known if code in part)


def suppose_release(present: DecidingRelease, supposed: DecidingRelease) -> Supposition:
    """Return the supposition that ``supposed`` is published after ``present``."""
    before, after = present.compiled.definition, supposed.compiled.definition
    products = changed_products(before, after)
    # A draft is the next release; documents are not moved back to the codes of an earlier one.
    renames = (renames_of(after),) if not supposed.id and before != after else ()
    return Supposition(
        present=present,
        supposed=supposed,
        renames=tuple(one for one in renames if not one.is_empty),
        products=products,
        parts=_changed_parts(before, after, products or ()),
        is_quick=products is not None and _gates_of(present.compiled) == _gates_of(supposed.compiled),
    )


def suppose_answers(
    release: DecidingRelease, answers: Mapping[str, object], *, reader: Reader | None = None
) -> Supposition:
    """Return the supposition that ``answers`` (JSON, by question code) are given in every copy that asks the questions.

    With a ``reader`` nothing is reported that depends on answers that they may not see. None clears an answer. Raises
    ``AnswerNotSupposed`` for unknown, personal and sensitive questions and for values that do not fit, with one fault
    each.
    """
    catalogue = release.compiled
    visibility = Visibility(catalogue, NOBODY)
    cleaned: dict[str, AnswerValue] = {}
    faults: list[tuple[str, str, str]] = []
    if not answers:
        faults.append(("", "required", "Suppose at least one answer."))
    if len(answers) > MOST_ANSWERS:
        faults.append(("", "too_many", f"Suppose at most {MOST_ANSWERS} answers at a time."))
    for code, value in list(answers.items())[:MOST_ANSWERS]:
        question = catalogue.questions.get(code)
        if question is None:
            faults.append((code[:80], "unknown_question", "The catalogue has no such question."))
        elif visibility.of(code) is not Confidentiality.PUBLIC:
            faults.append((code, "sensitive_question", "Personal and sensitive answers cannot be supposed."))
        else:
            try:
                cleaned[code] = clean(catalogue, question.question, value)
            except InvalidValue as error:
                faults.append((code, error.code, error.text))
    if faults:
        raise AnswerNotSupposed(faults)
    closed = None if reader is None else ClosedParts(catalogue, reader)
    return Supposition(present=release, supposed=release, answers=cleaned, closed=closed)


def changed_products(before: CatalogueDefinition, after: CatalogueDefinition) -> frozenset[str] | None:
    """Return the codes of the products that differ, None where anything else differs that decides."""
    earlier, later = decisive_parts(before), decisive_parts(after)
    if replace(earlier, products=()) != replace(later, products=()):
        return None
    old, new = ({product.code: product for product in one.products} for one in (earlier, later))
    if [code for code in old if code in new] != [code for code in new if code in old]:
        # The order of products is the order of the decision.
        return None
    return frozenset(code for code in old.keys() | new.keys() if old.get(code) != new.get(code))


def decisive_parts(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` without shadow rules and the texts that neither decide nor are part of a decision or of the
    search.
    """
    definition = without_shadow(definition)
    sets = tuple(
        replace(
            part,
            title="",
            questions=tuple(replace(question, label="", help="") for question in part.questions),
        )
        for part in definition.question_sets
    )
    return replace(
        definition,
        title="",
        question_sets=sets,
        derived=tuple(replace(part, label="") for part in definition.derived),
        lines=tuple(replace(line, label="") for line in definition.lines),
        products=tuple(replace(product, label="") for product in definition.products),
    )


def _changed_parts(
    before: CatalogueDefinition, after: CatalogueDefinition, codes: Collection[str]
) -> dict[str, frozenset[int]]:  # fmt: skip
    """Return the parts that differ of each product of ``codes`` that both definitions have: rules by their place after,
    ``REMOVED``, ``CHECKS``, ``RATING``.
    """
    old, new = ({product.code: product for product in one.products} for one in (before, after))
    return {code: frozenset(_parts(old[code], new[code])) for code in codes if code in old and code in new}


def _parts(old: Product, new: Product) -> Iterator[int]:
    known = {rule.id: rule for rule in old.rules}
    yield from (place for place, rule in enumerate(new.rules) if known.get(rule.id) != rule)
    if known.keys() - {rule.id for rule in new.rules}:
        yield REMOVED
    if (old.states, old.industries, old.line) != (new.states, new.industries, new.line):
        yield CHECKS
    if old.rating.tables != new.rating.tables:
        yield CHECKS
    rated = [[rule for rule in product.rules if rule.set] for product in (old, new)]
    if old.rating != new.rating or rated[0] != rated[1]:
        yield RATING


def _gates_of(catalogue: CompiledCatalogue) -> dict[str, list[Any]]:
    """Return what the gates of each carrier question read, as far as two releases with equal reasons can differ."""
    return {
        code: [tuple(_gate(gate)) for gate in question.gates]
        for code, question in catalogue.questions.items()
        if question.gates
    }


def _gate(gate: Gate) -> Iterator[Any]:
    yield from (gate.product.product.code, gate.states, gate.industry)
    yield tuple(table.table.reason for table in gate.tables)
    yield tuple(rule.rule.id for rule in gate.rules)
    yield tuple(tuple(_gate(rival)) for rival in gate.rivals)
