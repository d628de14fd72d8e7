"""The compiled catalogue: the parts of a definition with compiled texts and fixed slots. Pure and immutable.

A slot is the position of a value among the values of the document or of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from copies.paths import Path
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
from rules.definition.payload_model import CompiledPayload
from rules.definition.surplus import CompiledSurplusRule
from rules.language.expressions import Expression
from rules.language.values import Value
from rules.types.checks import Check
from rules.types.question_type import TypedQuestion
from rules.types.stored_verdicts import StoredVerdicts
from rules.types.validators import Relation


class Requirement(NamedTuple):
    """The conditions while which an answer is needed before a quote, and before binding; None is never."""

    quote: Expression | None
    bind: Expression | None

    @property
    def reads(self) -> frozenset[str]:
        """Return the codes that the conditions read."""
        return frozenset().union(*(when.reads for when in self if when is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledQuestion:
    """A question. ``order`` is its position in its set; ``read`` turns a valid stored answer into a value, ``verdicts``
    judge any stored answer.

    ``required`` is the purpose that needs an answer ("quote", "bind" or ""); ``required_when`` decides it instead where
    it depends on other answers. ``is_read`` is False for a text that no rule and no validator reads.
    """

    question: Question
    set_code: str
    pool: str
    order: int
    slot: int
    required: str
    read: Callable[[object], Value]
    when: Expression | None = None
    required_when: Requirement | None = None
    checks: tuple[Check, ...] = ()
    relations: tuple[Relation, ...] = ()
    gates: tuple[Gate, ...] = ()
    is_read: bool = True
    verdicts: StoredVerdicts = field(default_factory=StoredVerdicts, compare=False, repr=False)

    @property
    def validators(self) -> frozenset[str]:
        """Return the names of the checks and relations, which are the codes of their messages."""
        return frozenset([*(check.name for check in self.checks), *(relation.name for relation in self.relations)])

    def related(self, name: str) -> frozenset[str]:
        """Return the codes that the relations called ``name`` compare the answer with."""
        return frozenset().union(*(relation.other.reads for relation in self.relations if relation.name == name))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPool:
    """A pool: its own ``questions`` in order, its ``children`` (pools nested in it) and its ``ancestors`` (outermost
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
    """A question set: ``pool`` is its pool's code or "", ``parent`` the enclosing pool, ``order`` its position in the
    form.
    """

    question_set: QuestionSet
    order: int
    pool: str = ""
    parent: str = ""
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDerived:
    """A derived value with its compiled text; ``questions`` are those that it shows something of, directly or by other
    derived values, ``tag`` is the strictest sensitivity of their answers: none and "" for a yes or no.
    """

    derived: Derived
    slot: int
    value: Expression
    questions: frozenset[str]
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFormRule:
    """A form rule; ``pool`` is the pool in whose rows it is evaluated, or ""."""

    rule: FormRule
    when: Expression
    pool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledLine:
    """A line of business with its compiled texts."""

    line: Line
    states: Expression
    industry: Expression


#: The ids of the base checks that every product can have.
STATE_CHECK: Final = "state"
CLASS_CHECK: Final = "class"


class Override(NamedTuple):
    """A value that an adjust rule rates instead of an answer: ``value`` for rules, ``rated`` as in the catalogue.

    ``reaches`` are the derived values that depend on the answer.
    """

    code: str
    slot: int
    value: Value
    rated: str | int | float | bool
    reaches: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A product rule; ``overrides`` are the values that an adjust rule rates."""

    rule: ProductRule
    when: Expression
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRule:
    """A rule without effect: one of ``product``, or a form rule ("") in the rows of ``pool``."""

    rule: ProductRule | FormRule
    when: Expression
    product: str = ""
    pool: str = ""

    @property
    def name(self) -> str:
        """Return the name by which it is counted: ``QM-BOP/QM-R9``, or the id of a form rule."""
        return f"{self.product}/{self.rule.id}" if self.product else self.rule.id


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTerm:
    """A premium term with its compiled text; ``share`` is ``rate / per``, ``label`` its name for people,
    ``formula`` the text of its step.
    """

    label: str
    formula: str
    rate: Decimal
    per: Decimal
    share: Fraction
    of: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A rate table with its compiled texts; ``label`` is its name for people. ``reads`` is what its reason depends on:
    the rate's code and the rows; ``rated_reads`` is everything that its premium is made of.
    """

    label: str
    table: RateTable
    rates: Mapping[str, Fraction]
    rate_by: Expression
    per: Fraction
    reads: frozenset[str]
    amount: Expression | None = None
    times: Expression | None = None

    @property
    def rated_reads(self) -> frozenset[str]:
        """Return the codes that the rate, the amount and the multiplier read."""
        return self.reads.union(*(text.reads for text in (self.amount, self.times) if text is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFactor:
    """A premium factor with its compiled text; ``label`` is its name for people."""

    id: str
    label: str
    when: Expression
    times: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledProduct:
    """A product. ``rivals`` are the admitted products of its line, whose declines open a surplus product as its
    ``surplus`` rules require; an admitted product has none and is not ``is_surplus``. ``check_ids`` are the ids of its
    base checks. ``has_unique_reasons`` is True if each of its reasons can come from only one check or rule. A product
    without ``is_rated`` has no formula: its carrier prices it. ``payload`` is what its carrier is sent. ``floor`` is
    ``minimum`` as a fraction.
    """

    product: Product
    line: CompiledLine
    is_surplus: bool
    rivals: tuple[str, ...]
    states: frozenset[str] | None
    rules: tuple[CompiledRule, ...]
    check_ids: tuple[str, ...]
    has_unique_reasons: bool
    is_rated: bool
    minimum: Decimal
    floor: Fraction
    terms: tuple[CompiledTerm, ...] = ()
    tables: tuple[CompiledTable, ...] = ()
    factors: tuple[CompiledFactor, ...] = ()
    payload: CompiledPayload = CompiledPayload()
    surplus: tuple[CompiledSurplusRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gate:
    """The condition under which one product's carrier question is asked: the base checks and rules of the product that
    do not read the question.

    A surplus product is locked here until as many of ``rivals`` as its surplus rule requires are declined by checks
    and rules that do not read the question either.
    """

    product: CompiledProduct
    states: bool
    industry: bool
    tables: tuple[CompiledTable, ...]
    rules: tuple[CompiledRule, ...]
    rivals: tuple[Gate, ...] = ()


#: The parts of a product other than its rules: its base checks, and its premium with adjustments.
CHECKS: Final = -1
RATING: Final = -2


class Reader(NamedTuple):
    """A reader of a value: its ``place`` in its list, and the ``pool`` in whose rows it is decided.

    ``is_local`` is True if a row reads only its own value, or that of a row around it.
    """

    place: int
    pool: str
    is_local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The readers of one value: steps, questions with conditional requirements, questions with relations and form rules
    (each by place), and products by code with the places of their rules, ``CHECKS`` and ``RATING``.
    """

    steps: tuple[Reader, ...] = ()
    requirements: tuple[Reader, ...] = ()
    related: tuple[Reader, ...] = ()
    form_rules: tuple[Reader, ...] = ()
    products: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """The dependencies inside a catalogue. ``readers`` are those of each question, derived value and pool.

    ``steps`` are the places of questions, derived values and sets (``set:code``) in the catalogue's steps;
    ``rules_by_id``, ``related_by_code`` and ``requirements_by_code`` the places of form rules, of questions with
    relations and of questions with conditional requirements; ``form_rules`` those of the form rules of each pool;
    ``gated`` the places of the steps of each product's carrier questions.
    ``parts`` are the owners of the slots of the document ("") and of each pool's rows; slot 0 of the document is the
    evaluation date and has no owner. ``inputs`` are the derived values that must be computed before a derived value.
    ``size`` is the number of steps and rules.

    ``is_followable`` is False for a catalogue whose changes always cause a full run: a form rule has the same name as a
    validator of its question (messages do not distinguish them), or very many pools depend on each other (they are
    evaluated by nested calls).
    """

    readers: Mapping[str, Readers]
    steps: Mapping[str, int]
    form_rules: Mapping[str, tuple[int, ...]]
    gated: Mapping[str, tuple[int, ...]]
    rules_by_id: Mapping[str, int]
    related_by_code: Mapping[str, int]
    requirements_by_code: Mapping[str, int]
    parts: Mapping[str, tuple[CompiledQuestion | CompiledDerived | str, ...]]
    inputs: Mapping[str, tuple[str, ...]]
    is_followable: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReaders:
    """The parts of a catalogue that depend on the evaluation date: whether a text reads it, and the questions (by
    pool, the document's under "") whose answers are checked against it.
    """

    is_in_texts: bool
    questions: Mapping[str, frozenset[str]]

    @property
    def is_possible(self) -> bool:
        """Return whether any decision can depend on the evaluation date."""
        return self.is_in_texts or bool(self.questions)


_NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
Step: TypeAlias = CompiledSet | CompiledQuestion | CompiledDerived


class PlainQuestion(NamedTuple):
    """The parts of a question that a decision on a usual answer needs."""

    code: str
    slot: int
    required: str
    read: Callable[[object], Value]
    sound: Set[int]
    question: CompiledQuestion


class PlainQuestions(NamedTuple):
    """Consecutive steps that are questions of one set, without conditions and gates: no value decides whether they are
    visible or needed.
    """

    set_code: str
    pool: str
    questions: tuple[PlainQuestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCatalogue:
    """A compiled catalogue, safe to share between threads.

    ``plan`` are the ``steps`` with plain questions together.

    ``codes`` are the question codes of each pool, and of the document under "", ``nested`` the codes of the pools in
    it. ``steps`` decide visibility and derived
    values, each after the values it reads; ``derived_order`` is such an order of the derived values. ``related`` are
    the questions with relations, ``conditional`` those with conditional requirements, ``dependents`` the dependencies
    that a partial run follows, ``day`` the readers of the evaluation date, ``width`` is the number of the document's
    slots. ``shadow`` are the rules without effect; nothing else, not even ``definition``, has them. ``indexed`` are the
    codes of the questions whose answers are searched.
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
    conditional: tuple[CompiledQuestion, ...]
    steps: tuple[Step, ...]
    plan: tuple[Step | PlainQuestions, ...]
    width: int
    codes: Mapping[str, frozenset[str]]
    nested: Mapping[str, frozenset[str]]
    choice_lists: Mapping[str, Mapping[str, str]]
    dependents: Dependents
    day: DayReaders
    shadow: tuple[ShadowRule, ...] = ()
    indexed: frozenset[str] = frozenset()
    #: The memory of ``presentation.visibility``: how confidential each part is under this release.
    confidentiality: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def currency(self) -> str:
        """Return the code of the catalogue's currency."""
        return self.definition.currency

    def choices(self, question: TypedQuestion) -> Mapping[str, str]:
        """Return the labels of ``question``'s choices by code; empty if it has no choice list."""
        return self.choice_lists.get(question.choices, _NO_CHOICES)

    def set_of(self, path: str) -> str:
        """Return the code of the question set that contains the question or pool at ``path``."""
        code = Path(path).code
        question = self.questions.get(code)
        return question.set_code if question else self.pools[code].set_code
