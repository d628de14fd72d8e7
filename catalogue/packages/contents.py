"""The contents of a carrier package: the part of a catalogue that is one carrier's, with its golden cases. Pure.

A package has the keys of a catalogue file and the same shapes, for one carrier: ``carriers`` with one carrier, its
``products``, ``question_sets`` with the questions that only its products ask, and the ``surplus`` rules that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from rules.definition.catalogue import Carrier, CatalogueDefinition, Product, QuestionSet, SurplusRule


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a package."""


class _HasCode(Protocol):
    """A part with a code."""

    @property
    def code(self) -> str:
        """Return the code."""


_Coded = TypeVar("_Coded", bound=_HasCode)


class PackageHead(_Part, frozen=True, kw_only=True):
    """The name of a package. ``version`` rises with every change; ``catalogue`` is the code of the catalogue that it
    was made for.
    """

    carrier: str
    version: int
    catalogue: str
    format: Literal[1] = 1
    publisher: str = ""
    notes: str = ""


class Expected(_Part, frozen=True, kw_only=True):
    """The expected outcome of one product: ``reasons`` are ids of rules and base checks, or the missing questions."""

    outcome: str
    premium: int | None = None
    reasons: tuple[str, ...] = ()


class GoldenCase(_Part, frozen=True, kw_only=True):
    """A form with its expected outcomes, in the shapes of the API, decided on the day ``as_of``."""

    name: str
    as_of: date
    answers: dict[str, Any]
    answer_pools: dict[str, Any] = {}
    expect: dict[str, Expected]


class CarrierPackage(_Part, frozen=True, kw_only=True):
    """A whole package. ``simulator`` is the behaviour of the carrier in the carrier simulator, which alone reads it."""

    package: PackageHead
    carriers: tuple[Carrier, ...]
    products: tuple[Product, ...] = ()
    question_sets: tuple[QuestionSet, ...] = ()
    surplus: tuple[SurplusRule, ...] = ()
    golden: tuple[GoldenCase, ...] = ()
    simulator: dict[str, Any] = {}

    @property
    def carrier(self) -> Carrier:
        """Return the package's carrier."""
        return self.carriers[0]


def package_of(definition: CatalogueDefinition, head: PackageHead) -> CarrierPackage:
    """Return the package of one carrier of ``definition``, without surplus rules and golden cases.

    Raises ``KeyError`` for an unknown carrier.
    """
    carriers = tuple(carrier for carrier in definition.carriers if carrier.code == head.carrier)
    if not carriers:
        raise KeyError(head.carrier)
    products = tuple(product for product in definition.products if product.carrier == head.carrier)
    own = {product.code for product in products}
    sets = (
        replace(
            part, questions=tuple(item for item in part.questions if item.products and own.issuperset(item.products))
        )
        for part in definition.question_sets
    )
    return CarrierPackage(
        package=head,
        carriers=carriers,
        products=products,
        question_sets=tuple(part for part in sets if part.questions),
    )


def without_carrier(definition: CatalogueDefinition, carrier: str) -> CatalogueDefinition:
    """Return ``definition`` without the carrier's products and the questions that only they ask."""
    gone = {product.code for product in definition.products if product.carrier == carrier}
    sets = (
        replace(
            part,
            questions=tuple(item for item in part.questions if not item.products or not gone >= {*item.products}),
        )
        for part in definition.question_sets
    )
    return replace(
        definition,
        carriers=tuple(item for item in definition.carriers if item.code != carrier),
        products=tuple(item for item in definition.products if item.code not in gone),
        question_sets=tuple(sets),
    )


def with_packages(definition: CatalogueDefinition, packages: Iterable[CarrierPackage]) -> CatalogueDefinition:
    """Return ``definition`` with the parts of ``packages``, each in place of the same carrier's earlier parts.

    What is new comes last: a question in the set with the code, a product in its line.
    """
    for package in packages:
        definition = _with_package(definition, package)
    return definition


def _with_package(definition: CatalogueDefinition, package: CarrierPackage) -> CatalogueDefinition:
    rest = without_carrier(definition, package.carrier.code)
    sets = {part.code: part for part in package.question_sets}
    kept = {part.code: part for part in rest.question_sets}
    merged = [_with_questions(part, kept[part.code], sets.pop(part.code, None)) for part in definition.question_sets]
    carriers = _replaced(definition.carriers, rest.carriers, package.carriers)
    products = _replaced(definition.products, rest.products, package.products)
    rules = {rule.id for rule in package.surplus}
    lines = list(dict.fromkeys(product.line for product in products))
    return replace(
        rest,
        carriers=tuple(carriers),
        products=tuple(sorted(products, key=lambda product: lines.index(product.line))),
        question_sets=(*merged, *sets.values()),
        surplus=(*(rule for rule in rest.surplus if rule.id not in rules), *package.surplus),
    )


def _with_questions(before: QuestionSet, rest: QuestionSet, added: QuestionSet | None) -> QuestionSet:
    """Return the set ``before`` with the questions of ``added`` in place of those that are not in ``rest``."""
    questions = _replaced(before.questions, rest.questions, added.questions if added else ())
    return replace(before, questions=tuple(questions))


def _replaced(before: Iterable[_Coded], rest: Iterable[_Coded], added: Iterable[_Coded]) -> list[_Coded]:
    """Return the parts ``before`` that are in ``rest`` or ``added``, the latter in their new form; then new ones."""
    kept = {part.code for part in rest}
    new = {part.code: part for part in added}
    replaced = [new.pop(part.code, part) for part in before if part.code in kept or part.code in new]
    return [*replaced, *new.values()]
