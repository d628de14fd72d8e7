"""The definition of a catalogue: the structs of its file, its draft rows and its releases. Pure data.

Conditions and values are CEL text. The compiler checks a definition and makes a catalogue of it that can decide.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from rules.types.registry import QUESTION_TYPES

if TYPE_CHECKING:
    QuestionTypeCode: TypeAlias = str
else:
    # Decoding a definition refuses a type that is not in the registry.
    QuestionTypeCode = Literal[tuple(QUESTION_TYPES)]
Requirement: TypeAlias = Literal["quote", "bind", "optional"]
Sensitivity: TypeAlias = Literal["", "pii", "spi"]
Width: TypeAlias = Literal["", "third", "half", "full"]
AddressPart: TypeAlias = Literal["", "street", "city", "state", "zip"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A frozen part of a catalogue; unknown keys are errors."""


class RequiredWhen(_Part, frozen=True, kw_only=True):
    """The conditions (CEL) while which an answer is needed before a quote, and before binding."""

    quote: str = ""
    bind: str = ""


class Question(_Part, frozen=True, kw_only=True):
    """A question.

    ``validate`` holds calls such as ``max:120``; ``products`` makes it a carrier question of those products. ``was`` is
    its code in earlier releases. A renewal proposes an answer that is older than ``valid_for`` ("1 year") instead of
    taking it over, and moves a date by ``renews_by``.

    ``width`` is its part of a line ("": as its type needs) and ``below`` the question of its set that it follows on the
    page. ``address`` is its part in the address that its set asks for. ``same_as`` are the questions, asked once, whose
    answers can be taken over, joined by a space.
    """

    code: str
    label: str
    type: QuestionTypeCode
    required: Requirement | RequiredWhen = "optional"
    choices: str = ""
    when: str = ""
    validate: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    sensitivity: Sensitivity = ""
    indexed: bool = False
    valid_for: str = ""
    renews_by: str = ""
    help: str = ""
    width: Width = ""
    below: str = ""
    address: AddressPart = ""
    same_as: tuple[str, ...] = ()
    was: str = ""


class Pool(_Part, frozen=True, kw_only=True):
    """The repeating group of a question set; ``key`` matches rows between copies, ``parent`` is the enclosing pool.

    ``noun`` names one row ("loss"). ``was`` is its code in earlier releases.
    """

    code: str
    noun: str = ""
    parent: str = ""
    min: int = 0
    max: int = 1000
    key: tuple[str, ...] = ()
    was: str = ""


class QuestionSet(_Part, frozen=True, kw_only=True):
    """Questions that belong together, visible while ``when`` (if any) is true. ``same_as_label`` names the order that
    takes over the answers of ``same_as``. ``was`` is its code in earlier releases.
    """

    code: str
    title: str
    when: str = ""
    pool: Pool | None = None
    same_as_label: str = ""
    was: str = ""
    questions: tuple[Question, ...] = ()


class Derived(_Part, frozen=True, kw_only=True):
    """A named value computed from answers; rules read it like an answer. ``show`` shows it to readers of the form."""

    code: str
    value: str
    label: str = ""
    show: bool = False


class FormRule(_Part, frozen=True, kw_only=True):
    """A rule about the form: while ``when`` is true, ``say`` is the message at the question or pool ``at``. A
    ``shadow`` rule is decided and counted, without effect.
    """

    id: str
    when: str
    then: Literal["error", "warn", "message", "task"]
    at: str
    say: str
    shadow: bool = False


class Line(_Part, frozen=True, kw_only=True):
    """A line of business.

    Its base checks read ``states`` (CEL, list of state codes) and ``industry`` (CEL, text).
    """

    code: str
    label: str
    states: str
    industry: str


class Link(_Part, frozen=True, kw_only=True):
    """The connection to a carrier; its figures drive the carrier simulator (real seconds, percent, requests per
    minute). A ``real_time`` carrier is asked about a risk while the form is filled in.
    """

    mode: Literal["sync", "poll", "callback", "manual"]
    p50_seconds: float = 1
    p95_seconds: float = 1
    fail_percent: float = 0
    per_minute: int = 60
    real_time: bool = False
    quirk: str = ""


class Carrier(_Part, frozen=True, kw_only=True):
    """A carrier; one that is not ``admitted`` writes surplus lines."""

    code: str
    name: str
    admitted: bool
    link: Link


class Term(_Part, frozen=True, kw_only=True):
    """A premium term: ``of`` (CEL, number) / ``per`` * ``rate`` dollars a year. ``label`` names it for people."""

    rate: str
    per: str = "1"
    of: str
    label: str = ""


class RateTable(_Part, frozen=True, kw_only=True):
    """A premium term summed over the rows of ``pool``: ``rates[rate_by]`` * (``amount`` / ``per``, else 1), the sum *
    ``times`` if it is a number.

    ``rate_by`` and ``amount`` are CEL in the scope of one row, ``times`` in the scope of the form. ``reason`` is the
    rule id of the base check that every row's code has a rate; without it, a row without a rate counts 0. ``label``
    names it for people.
    """

    pool: str
    rate_by: str
    rates: dict[str, str]
    amount: str = ""
    per: str = "1"
    times: str = ""
    reason: str = ""
    label: str = ""


class Factor(_Part, frozen=True, kw_only=True):
    """A factor that multiplies the premium by ``times`` while ``when`` is true. ``label`` names it for people."""

    id: str
    when: str
    times: str
    label: str = ""


class Rating(_Part, frozen=True, kw_only=True):
    """The formula of a product's yearly premium in whole dollars. Rates, factors and the minimum are decimal texts."""

    minimum: str = "0"
    terms: tuple[Term, ...] = ()
    tables: tuple[RateTable, ...] = ()
    factors: tuple[Factor, ...] = ()


class ProductRule(_Part, frozen=True, kw_only=True):
    """An appetite rule. ``adjust`` rates the values of ``set`` (question code -> value) instead of the answers. A
    ``shadow`` rule is decided and counted, without effect.
    """

    id: str
    when: str
    then: Literal["decline", "refer", "adjust"]
    why: str
    set: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)
    shadow: bool = False


class PayloadRows(_Part, frozen=True, kw_only=True):
    """The rows of ``pool`` as a field of a payload: ``fields`` are those of each row, by name, CEL in the scope of the
    row; nested pools are ``PayloadRows`` again.
    """

    pool: str
    fields: dict[str, str | PayloadRows]


class Payload(_Part, frozen=True, kw_only=True):
    """What a carrier is sent: the fields of a quote request (``quote``) and, when it is bound, those that only a
    policy needs (``bind``), each by its name on the wire, with CEL in the scope of the form or the rows of a pool.

    ``asked`` are questions and derived values that lists of quotes show as what was asked.
    """

    quote: dict[str, str | PayloadRows]
    bind: dict[str, str | PayloadRows] = msgspec.field(default_factory=dict)
    asked: tuple[str, ...] = ()


class Product(_Part, frozen=True, kw_only=True):
    """A carrier's product of one line. ``states`` and ``industries`` (prefixes of the industry code) of None mean
    all; without a ``payload`` the carrier is sent what the product's rules and rating read.
    """

    code: str
    carrier: str
    line: str
    rate_type: Literal["bindable", "indication"]
    label: str = ""
    states: tuple[str, ...] | None = None
    industries: tuple[str, ...] | None = None
    rating: Rating = Rating()
    rules: tuple[ProductRule, ...] = ()
    payload: Payload | None = None


class Declines(_Part, frozen=True, kw_only=True):
    """So many declines of admitted products; all of the line where it has fewer."""

    declines: int


class SurplusRule(_Part, frozen=True, kw_only=True):
    """What opens the surplus lines products of ``lines`` in ``states`` (None: all) from a day ``until`` another (ISO
    dates, both included; "" has no end): declines of admitted products, or nothing (``none``). A rule for named states
    goes before one for all. ``disclosure`` must be shown with such a product.
    """

    id: str
    states: tuple[str, ...] | None = None
    lines: tuple[str, ...] | None = None
    since: str = msgspec.field(name="from", default="")
    until: str = ""
    needs: Literal["all_admitted_decline", "none"] | Declines = "all_admitted_decline"
    disclosure: str = ""


class CatalogueDefinition(_Part, frozen=True, kw_only=True):
    """A whole catalogue.

    ``lines_question`` is the multi-choice question whose choices are the requested lines; ``title_question`` names the
    insured; ``industry_question`` and ``zip_questions`` (the best first) are those for the industry and the place of
    the business; the numbers of ``employees_questions`` add up to the number of employees. ``effective_date_question``
    is the day on which the cover begins, ``payment_plan_question`` the choice of how it is paid. ``start_questions``
    are asked on the page that starts a form, in their order. ``choices_were`` are the codes of choices in earlier
    releases, by choice list and present code. ``translations`` are the texts that guests read in other languages, by
    language and text.
    """

    code: str
    title: str
    currency: str = "USD"
    allow_test_identities: bool = False
    lines_question: str = ""
    title_question: str = ""
    industry_question: str = ""
    zip_questions: tuple[str, ...] = ()
    employees_questions: tuple[str, ...] = ()
    effective_date_question: str = ""
    payment_plan_question: str = ""
    start_questions: tuple[str, ...] = ()
    choices: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    choices_were: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    question_sets: tuple[QuestionSet, ...] = ()
    derived: tuple[Derived, ...] = ()
    form_rules: tuple[FormRule, ...] = ()
    lines: tuple[Line, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    products: tuple[Product, ...] = ()
    surplus: tuple[SurplusRule, ...] = ()
    translations: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


def without_shadow(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` without its shadow rules: the part that decides."""
    if not any(rule.shadow for rule in definition.form_rules) and not any(
        rule.shadow for product in definition.products for rule in product.rules
    ):
        return definition
    replace = msgspec.structs.replace
    return replace(
        definition,
        form_rules=tuple(rule for rule in definition.form_rules if not rule.shadow),
        products=tuple(
            replace(product, rules=tuple(rule for rule in product.rules if not rule.shadow))
            for product in definition.products
        ),
    )


def composed(value: Any) -> Any:
    """Return ``value`` (a part of a definition) with every text in Unicode's composed form (NFC), as answers are."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {composed(key): composed(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(composed, value))
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: composed(getattr(value, name)) for name in value.__struct_fields__})
    return value
