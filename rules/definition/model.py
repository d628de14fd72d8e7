"""A catalogue that can decide: the parts of a definition with their texts compiled and their places fixed. Pure and
immutable.

A value's place is a slot: in the list of the document's values, or in the list of a row's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from rules.definition.catalogue import (
    CatalogueDefinition,
    Derived,
    FormRule,
    Line,
    Pool,
    Product,
    ProductRule,
    Question,
    QuestionSet,
    RateTable,
)
from rules.language.expressions import Expression
from rules.language.values import Value
from rules.types.validators import Check, Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledQuestion:
    """A question. ``order`` is its place among the questions of its set, ``read`` turns a stored answer into a value.

    ``is_read`` is False where no rule and no validator looks at the value.
    """

    question: Question
    set_code: str
    pool: str
    order: int
    slot: int
    required: str
    read: Callable[[object], Value]
    when: Expression | None = None
    checks: tuple[Check, ...] = ()
    relations: tuple[Relation, ...] = ()
    gates: tuple[Gate, ...] = ()
    is_read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPool:
    """A pool: its own ``questions`` in order, its ``children`` (pools nested in it) and ``ancestors`` (outermost
    first).
    """

    pool: Pool
    set_code: str
    slot: int
    questions: tuple[str, ...]
    children: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    width: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSet:
    """A question set; ``pool`` is its pool's code or "", ``parent`` the pool around that, ``order`` its place in the
    form.
    """

    question_set: QuestionSet
    order: int
    pool: str = ""
    parent: str = ""
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDerived:
    """A derived value."""

    derived: Derived
    slot: int
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFormRule:
    """A form rule; ``pool`` is the pool in whose rows it is asked, or ""."""

    rule: FormRule
    when: Expression
    pool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledLine:
    """A line of business."""

    line: Line
    states: Expression
    industry: Expression


#: The ids of the base checks that every product can have.
STATE_CHECK: Final = "state"
CLASS_CHECK: Final = "class"


class Override(NamedTuple):
    """What an adjust rule rates instead of an answer: ``value`` for rules, ``rated`` as the catalogue writes it.

    ``reaches`` are the derived values that are made of the answer.
    """

    code: str
    slot: int
    value: Value
    rated: str | int | float | bool
    reaches: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A product rule; ``overrides`` are what an adjust rule rates instead."""

    rule: ProductRule
    when: Expression
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTerm:
    """A premium term."""

    rate: Decimal
    per: Decimal
    of: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A rate table."""

    table: RateTable
    rates: Mapping[str, Decimal]
    rate_by: Expression
    per: Decimal
    reads: frozenset[str]
    amount: Expression | None = None
    times: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFactor:
    """A premium factor."""

    id: str
    when: Expression
    times: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledProduct:
    """A product. ``rivals`` are the admitted products of its line that a surplus product waits for; an admitted one
    has none and is not ``is_surplus``. ``check_ids`` are the ids of its base checks;
    ``is_told_apart`` is True where each of its reasons can come from one check or rule only.
    """

    product: Product
    line: CompiledLine
    is_surplus: bool
    rivals: tuple[str, ...]
    states: frozenset[str] | None
    rules: tuple[CompiledRule, ...]
    check_ids: tuple[str, ...]
    is_told_apart: bool
    minimum: Decimal
    terms: tuple[CompiledTerm, ...] = ()
    tables: tuple[CompiledTable, ...] = ()
    factors: tuple[CompiledFactor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gate:
    """What keeps one product's carrier question out of the form: the base checks and rules of the product that do not
    read the question.

    A surplus product is locked here until each of ``rivals`` is declined by what does not read the question either.
    """

    product: CompiledProduct
    states: bool
    industry: bool
    tables: tuple[CompiledTable, ...]
    rules: tuple[CompiledRule, ...]
    rivals: tuple[Gate, ...] = ()


#: The parts of a product that are no rules: its base checks, and what makes its premium and adjustments.
CHECKS: Final = -1
RATING: Final = -2


class Reader(NamedTuple):
    """Something that reads a value: its ``place`` among its like, and the ``pool`` in whose rows it is decided.

    ``is_local`` is True where a row reads the value only of itself or of a row around it.
    """

    place: int
    pool: str
    is_local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """What reads one value: steps, questions with relations, form rules (each by its place) and of products, by their
    codes, the rules by place, ``CHECKS`` and ``RATING``.
    """

    steps: tuple[Reader, ...] = ()
    related: tuple[Reader, ...] = ()
    form_rules: tuple[Reader, ...] = ()
    products: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """What depends on what. ``readers`` are those of each question, derived value and pool.

    ``steps`` are the places of questions, derived values and sets (``set:code``) among the catalogue's steps,
    ``rules_by_id`` and ``related_by_code`` the places of form rules and of questions with relations,
    ``form_rules`` those of the form rules in each pool, ``gated`` the places of the steps of the questions that
    wait for each product. ``parts`` are what stands in each slot of the document's values ("") and of each pool's rows;
    slot 0 of the document is the evaluation date and has none. ``inputs`` are the derived values that must be there
    before a derived value is computed. ``is_followable`` is False for a catalogue in which changes are not followed:
    where a form rule is called like a validator of the question that it speaks at (then what is said there does not
    tell which of them said it), or where very many pools wait for each other (they are looked up by nested calls).
    ``size`` is the number of steps and rules.
    """

    readers: Mapping[str, Readers]
    steps: Mapping[str, int]
    form_rules: Mapping[str, tuple[int, ...]]
    gated: Mapping[str, tuple[int, ...]]
    rules_by_id: Mapping[str, int]
    related_by_code: Mapping[str, int]
    parts: Mapping[str, tuple[CompiledQuestion | CompiledDerived | str, ...]]
    inputs: Mapping[str, tuple[str, ...]]
    is_followable: bool
    size: int


_NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
Step: TypeAlias = CompiledSet | CompiledQuestion | CompiledDerived


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCatalogue:
    """A compiled catalogue, safe to share between threads. ``codes`` are the codes of the questions of each pool, of
    the document's under "".

    ``steps`` decide visibility and derived values, each after what it reads; ``derived_order`` are the codes of the
    derived values in such an order. ``related`` are the questions with relations. ``dependents`` says what has to be
    decided anew after a change. ``width`` is the number of the document's slots.
    """

    definition: CatalogueDefinition
    questions: Mapping[str, CompiledQuestion]
    pools: Mapping[str, CompiledPool]
    sets: Mapping[str, CompiledSet]
    derived: Mapping[str, CompiledDerived]
    derived_order: tuple[str, ...]
    products: Mapping[str, CompiledProduct]
    form_rules: tuple[CompiledFormRule, ...]
    related: tuple[CompiledQuestion, ...]
    steps: tuple[Step, ...]
    width: int
    codes: Mapping[str, frozenset[str]]
    choice_lists: Mapping[str, Mapping[str, str]]
    dependents: Dependents

    def choices(self, question: Question) -> Mapping[str, str]:
        """Return the choices of ``question``, code -> label; empty for one without."""
        return self.choice_lists.get(question.choices, _NO_CHOICES)
