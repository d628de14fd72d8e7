"""Checks the codes and references of a definition before any text is compiled. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from copies.paths import RESERVED as RESERVED_STEPS
from rules.definition.catalogue import CatalogueDefinition, Product, ProductRule, Question, QuestionSet, Rating
from rules.definition.faults import CatalogueFault, closest
from rules.definition.page_checks import page_faults
from rules.definition.payload_checks import payload_faults
from rules.definition.renames import rename_faults
from rules.definition.surplus import surplus_faults
from rules.definition.translations import translation_faults
from rules.language.domains import nearest_choice
from rules.language.expressions import AS_OF
from rules.types.choice import CHOICE
from rules.types.date import DATE
from rules.types.integer import INTEGER
from rules.types.multi_choice import MULTI_CHOICE
from rules.types.naics import NAICS
from rules.types.question_type import QuestionType
from rules.types.registry import type_of
from rules.types.spans import parse_span
from rules.types.stored_answers import TypeMismatch
from rules.types.text_input import InvalidValue
from rules.types.zip import ZIP

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_CODE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62})?")
#: Names with another meaning in a text: CEL's own words and types. A function's name is no such name.
_RESERVED: Final = frozenset(
    "as break const continue else false for function if import in let loop package namespace null return true var "
    "void while bool bytes double duration dyn int list map string timestamp type uint null_type google".split()
) | {AS_OF}
#: Keys that name questions outside of pools; they are known by that check.
_ASKED_ONCE: Final = frozenset({"employees_questions", "effective_date_question", "payment_plan_question"})


def check_references(definition: CatalogueDefinition) -> list[CatalogueFault]:
    """Return the faults in the codes, choice lists and references of ``definition``, in its order."""
    return list(_References(definition).faults())


class _References:
    def __init__(self, definition: CatalogueDefinition) -> None:
        self._definition = definition
        sets = definition.question_sets
        self._questions = {question.code: question for part in sets for question in part.questions}
        self._pool_of = {
            question.code: part.pool.code if part.pool else "" for part in sets for question in part.questions
        }
        self._pools = {part.pool.code: part for part in sets if part.pool}
        self._products = {product.code for product in definition.products}

    def faults(self) -> Iterator[CatalogueFault]:
        yield from self._duplicates()
        yield from rename_faults(self._definition)
        yield from self._top()
        for code, choices in self._definition.choices.items():
            if not choices:
                yield CatalogueFault(
                    "empty_choice_list", f"choices[{code}]", "The list has no choices.", "Add one, or remove the list."
                )
        for part in self._definition.question_sets:
            yield from self._set(part)
        yield from page_faults(self._definition)
        for derived in self._definition.derived:
            yield from _bad_name(derived.code, f"derived[{derived.code}].code")
        for rule in self._definition.form_rules:
            known = [*self._questions, *self._pools]
            yield from _unknown(rule.at, known, f"form_rules[{rule.id}].at", "question or pool")
        for line in self._definition.lines:
            yield from self._line(line.code)
        for product in self._definition.products:
            yield from self._product(product)
        yield from surplus_faults(self._definition)
        yield from translation_faults(self._definition)

    def _duplicates(self) -> Iterator[CatalogueFault]:
        definition = self._definition
        named: list[tuple[str, str]] = []
        for part in definition.question_sets:
            if part.pool:
                named.append((part.pool.code, f"question_sets[{part.code}].pool.code"))
            named += [
                (question.code, f"question_sets[{part.code}].questions[{question.code}]") for question in part.questions
            ]
        named += [(derived.code, f"derived[{derived.code}]") for derived in definition.derived]
        yield from _repeated(named, "Questions, pools and derived values")
        yield from _repeated(
            [(part.code, f"question_sets[{part.code}]") for part in definition.question_sets], "Question sets"
        )
        yield from _repeated([(line.code, f"lines[{line.code}]") for line in definition.lines], "Lines")
        yield from _repeated([(item.code, f"carriers[{item.code}]") for item in definition.carriers], "Carriers")
        yield from _repeated([(item.code, f"products[{item.code}]") for item in definition.products], "Products")
        rules = [(rule.id, f"form_rules[{rule.id}]") for rule in definition.form_rules]
        rules += [
            (rule.id, f"products[{item.code}].rules[{rule.id}]") for item in definition.products for rule in item.rules
        ]
        yield from _repeated(rules, "Rules")

    def _top(self) -> Iterator[CatalogueFault]:
        lines, title = self._definition.lines_question, self._definition.title_question
        if self._definition.products and not lines:
            yield CatalogueFault(
                "missing_key",
                "lines_question",
                "No question asks which lines are requested.",
                "Name the multi_choice question whose choices are the lines.",
            )
        for key, code in (("lines_question", lines), ("title_question", title)):
            if code:
                yield from self._top_question(code, key)
        if lines in self._questions and self._questions[lines].type != MULTI_CHOICE.code:
            yield CatalogueFault(
                "type_error", "lines_question", f"{lines!r} is not a multi_choice question.", "Name one."
            )
        for key in ("employees_questions", "start_questions"):
            for code in getattr(self._definition, key):
                yield from self._top_question(code, key)
        effective, plan = self._definition.effective_date_question, self._definition.payment_plan_question
        for key, code, question_type in (
            ("effective_date_question", effective, DATE),
            ("payment_plan_question", plan, CHOICE),
        ):
            if code:
                yield from self._top_question(code, key)
                yield from self._typed_questions(key, (code,), question_type)
        yield from self._typed_questions("industry_question", (self._definition.industry_question,), NAICS)
        yield from self._typed_questions("zip_questions", self._definition.zip_questions, ZIP)
        yield from self._typed_questions("employees_questions", self._definition.employees_questions, INTEGER)

    def _typed_questions(
        self, key: str, codes: Iterable[str], question_type: QuestionType
    ) -> Iterator[CatalogueFault]:  # fmt: skip
        for code in filter(None, codes):
            if key not in _ASKED_ONCE:
                yield from _unknown(code, self._questions, key, "question")
            if code in self._questions and self._questions[code].type != question_type.code:
                yield CatalogueFault(
                    "type_error", key, f"{code!r} is no {question_type.code} question.", "Name one of this type."
                )

    def _top_question(self, code: str, where: str) -> Iterator[CatalogueFault]:
        yield from _unknown(code, self._questions, where, "question")
        if self._pool_of.get(code):
            yield CatalogueFault(
                "wrong_place",
                where,
                f"{code!r} is a question of a pool.",
                "Name a question that is asked only once.",
            )

    def _set(self, part: QuestionSet) -> Iterator[CatalogueFault]:
        where = f"question_sets[{part.code}]"
        if not _CODE.fullmatch(part.code):
            yield _bad_code(part.code, f"{where}.code")
        if part.pool:
            yield from self._pool(part, f"{where}.pool")
        for question in part.questions:
            yield from self._question(question, f"{where}.questions[{question.code}]")

    def _pool(self, part: QuestionSet, where: str) -> Iterator[CatalogueFault]:
        pool = part.pool
        if pool is None:
            return
        yield from _bad_name(pool.code, f"{where}.code")
        if pool.code in RESERVED_STEPS:
            yield CatalogueFault(
                "bad_code",
                f"{where}.code",
                f"{pool.code!r} is the name of another part of a form.",
                "Choose another code.",
            )
        if pool.parent:
            yield from _unknown(pool.parent, self._pools, f"{where}.parent", "pool")
        seen, parent = {pool.code}, pool.parent
        while parent in self._pools and parent not in seen:
            seen.add(parent)
            above = self._pools[parent].pool
            parent = above.parent if above else ""
        if parent in seen:
            yield CatalogueFault(
                "cycle", f"{where}.parent", f"The pool {pool.code!r} is nested in itself.", "Remove one parent."
            )
        own = [question.code for question in part.questions]
        for code in pool.key:
            yield from _unknown(code, own, f"{where}.key", "question of this pool")
        if not 0 <= pool.min <= pool.max:
            yield CatalogueFault(
                "wrong_value",
                f"{where}.min",
                f"{pool.min} to {pool.max} rows is not a range.",
                "Set min to max or less.",
            )

    def _question(self, question: Question, where: str) -> Iterator[CatalogueFault]:
        yield from _bad_name(question.code, f"{where}.code")
        has_choices = type_of(question.type).has_choices
        if has_choices and not question.choices:
            yield CatalogueFault(
                "missing_choice_list",
                f"{where}.choices",
                f"A {question.type} question needs a choice list.",
                "Name one with choices.",
            )
        elif has_choices and question.choices not in self._definition.choices:
            remedy = closest(question.choices, self._definition.choices, "choice list")
            yield CatalogueFault(
                "missing_choice_list", f"{where}.choices", f"There is no choice list {question.choices!r}.", remedy
            )
        elif question.choices and not has_choices:
            yield CatalogueFault(
                "wrong_value",
                f"{where}.choices",
                f"A {question.type} question has no choices.",
                "Remove them, or make it a choice question.",
            )
        for product in question.products:
            yield from _unknown(product, self._products, f"{where}.products", "product")
        yield from _renewal_faults(question, where)

    def _line(self, code: str) -> Iterator[CatalogueFault]:
        question = self._questions.get(self._definition.lines_question)
        if question is not None and question.choices in self._definition.choices:
            choices = self._definition.choices[question.choices]
            if code not in choices:
                text = f"{code!r} is not a choice of {question.code!r}, so the line can never be requested."
                yield CatalogueFault("unknown_choice", f"lines[{code}].code", text, nearest_choice(code, choices))

    def _product(self, product: Product) -> Iterator[CatalogueFault]:
        where = f"products[{product.code}]"
        if not _CODE.fullmatch(product.code):
            yield _bad_code(product.code, f"{where}.code")
        yield from _unknown(
            product.carrier, [carrier.code for carrier in self._definition.carriers], f"{where}.carrier", "carrier"
        )
        yield from _unknown(product.line, [line.code for line in self._definition.lines], f"{where}.line", "line")
        yield from self._rating(product.rating, f"{where}.rating")
        for rule in product.rules:
            yield from self._adjustment(rule, f"{where}.rules[{rule.id}].set")
        if product.payload is not None:
            yield from payload_faults(self._definition, product.payload, f"{where}.payload")

    def _rating(self, rating: Rating, where: str) -> Iterator[CatalogueFault]:
        yield from _wrong_number(
            rating.minimum, f"{where}.minimum", lambda number: number >= 0, "a number of 0 or more"
        )
        for position, term in enumerate(rating.terms):
            yield from _wrong_number(term.rate, f"{where}.terms[{position}].rate", lambda number: True, "a number")
            yield from _wrong_number(
                term.per, f"{where}.terms[{position}].per", lambda number: number > 0, "a number above 0"
            )
        for position, table in enumerate(rating.tables):
            place = f"{where}.tables[{position}]"
            yield from _unknown(table.pool, self._pools, f"{place}.pool", "pool")
            yield from _wrong_number(table.per, f"{place}.per", lambda number: number > 0, "a number above 0")
            for code, rate in table.rates.items():
                yield from _wrong_number(rate, f"{place}.rates[{code}]", lambda number: True, "a number")
        for factor in rating.factors:
            yield from _wrong_number(
                factor.times, f"{where}.factors[{factor.id}].times", lambda number: number >= 0, "a number of 0 or more"
            )

    def _adjustment(self, rule: ProductRule, where: str) -> Iterator[CatalogueFault]:
        if (rule.then == "adjust") != bool(rule.set):
            yield CatalogueFault(
                "wrong_value",
                where,
                "An adjust rule must set values, and no other rule may.",
                "Write set: {question: value} together with then: adjust.",
            )
        for code, value in rule.set.items():
            yield from self._top_question(code, f"{where}[{code}]")
            question = self._questions.get(code)
            if question is not None and not self._fits(question, value):
                known = self._definition.choices.get(question.choices, {})
                text = f"{value!r} is not a value of {code!r} ({question.type})."
                remedy = "Write a value of this type."
                if known and isinstance(value, str):
                    text, remedy = f"{value!r} is not a choice of {code!r}.", nearest_choice(value, known)
                yield CatalogueFault("unknown_choice" if known else "type_error", f"{where}[{code}]", text, remedy)

    def _fits(self, question: Question, value: object) -> bool:
        """Return whether ``value`` could be submitted as it is written; an unknown choice list is a fault elsewhere."""
        question_type, definition = type_of(question.type), self._definition
        choices = definition.choices.get(question.choices)
        try:
            question_type.reader(value)
            if question_type.has_choices and choices is None:
                return True
            return question_type.clean(value, choices=choices or {}, currency=definition.currency) == value
        except (TypeMismatch, InvalidValue):
            return False


def _renewal_faults(question: Question, where: str) -> Iterator[CatalogueFault]:
    for key, text in (("valid_for", question.valid_for), ("renews_by", question.renews_by)):
        if text and parse_span(text) is None:
            problem = f"{text!r} is not a length of time."
            yield CatalogueFault("wrong_value", f"{where}.{key}", problem, "Write 1 year, 6 months or 90 days.")
    if question.valid_for and question.sensitivity == "spi":
        problem = "A secret answer (spi) is never proposed again, so valid_for has no meaning here."
        yield CatalogueFault("wrong_value", f"{where}.valid_for", problem, "Remove it.")
    if question.renews_by and question.type != DATE.code:
        problem = f"Only a date moves at a renewal, and {question.code!r} is a {question.type} question."
        yield CatalogueFault("type_error", f"{where}.renews_by", problem, "Remove it, or make it a date question.")


def _bad_code(code: str, where: str) -> CatalogueFault:
    return CatalogueFault(
        "bad_code",
        where,
        f"{code!r} cannot be a code.",
        "Use up to 63 letters, digits, periods, hyphens and underscores.",
    )


def _bad_name(code: str, where: str) -> Iterator[CatalogueFault]:
    if not _NAME.fullmatch(code):
        yield CatalogueFault(
            "bad_code",
            where,
            f"{code!r} cannot be named in a condition.",
            "Use up to 63 letters, digits and underscores, starting with a letter.",
        )
    elif code in _RESERVED:
        yield CatalogueFault("bad_code", where, f"{code!r} has another meaning in a condition.", "Choose another code.")


def _unknown(code: str, known: Collection[str], where: str, what: str) -> Iterator[CatalogueFault]:
    if code not in known:
        kind = "question" if what.startswith("question") else what
        yield CatalogueFault(f"unknown_{kind}", where, f"There is no {what} {code!r}.", closest(code, known, what))


def _repeated(named: list[tuple[str, str]], what: str) -> Iterator[CatalogueFault]:
    counts = Counter(code for code, _ in named)
    reported: set[str] = set()
    for code, where in named:
        if counts[code] > 1 and code in reported:
            yield CatalogueFault("duplicate_code", where, f"{code!r} is used twice.", f"{what} need unique codes.")
        reported.add(code)


def _wrong_number(text: str, where: str, is_right: Callable[[Decimal], bool], words: str) -> Iterator[CatalogueFault]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > 15 or not is_right(number):
        yield CatalogueFault("wrong_value", where, f"{text!r} is not a valid number here.", f"Write {words}.")
