"""Warnings about a catalogue without faults: parts that are allowed, but likely mistakes. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from catalogue.dead_conditions import Limits, dead_parts
from rules.definition.catalogue import CatalogueDefinition, Question
from rules.definition.domains import QuestionDomain
from rules.definition.faults import CatalogueWarning
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.definition.texts import place_in_text
from rules.language.checker import children
from rules.language.expressions import Expression
from rules.language.kinds import NUMBER, TEXT, TRUTH
from rules.language.syntax import Call, Node
from rules.types.integer import INTEGER
from rules.types.registry import type_of
from rules.types.year import YEAR

UNANSWERABLE: Final = "unanswerable"
NO_RATING: Final = "no_rating"
MISSING_RATE: Final = "missing_rate"
MISSING_LINE: Final = "missing_line"
NO_PRODUCT: Final = "no_product"
NEVER_INDEXED: Final = "secret_indexed"
UNUSED: Final = "unused"
UNSTABLE: Final = "unstable"
_WHOLE: Final = frozenset((INTEGER.code, YEAR.code))


def find_warnings(
    catalogue: CompiledCatalogue, texts: Iterable[tuple[str, Expression]]
) -> list[CatalogueWarning]:  # fmt: skip
    """Return the warnings about ``catalogue``, whose compiled ``texts`` are given with their places."""
    definition, found = catalogue.definition, list[CatalogueWarning]()
    limits: dict[str, Limits] = {}
    for part in definition.question_sets:
        for question in part.questions:
            where = f"question_sets[{part.code}].questions[{question.code}]"
            found += _question_warnings(question, definition, where)
            if type_of(question.type).kind == NUMBER and not _unanswerable(question, definition):
                limits[question.code] = _limits(question, "min", "max")
        if part.pool and part.pool.max == 0:
            where = f"question_sets[{part.code}].pool.max"
            found.append(CatalogueWarning(UNANSWERABLE, where, "No row can be added.", "Allow at least one row."))
    for where, expression in texts:
        if expression.kind == TRUTH:
            for doubt in dead_parts(expression, limits):
                line, column = place_in_text(expression.source, doubt.offset)
                found.append(CatalogueWarning(doubt.code, where, doubt.text, doubt.remedy, line, column))
    found += _unstable(texts)
    found += _line_warnings(definition)
    for product in catalogue.products.values():
        found += _product_warnings(product)
    found += _unused(catalogue, texts)
    return found


def _unstable(texts: Iterable[tuple[str, Expression]]) -> Iterator[CatalogueWarning]:
    """Yield the texts of products that read whether a question is answered, by themselves or by a derived value."""
    unstable = set[str]()
    for where, expression in texts:
        call = _call_of_answered(expression.term.node)
        if where.startswith("derived[") and (call is not None or expression.reads & unstable):
            unstable.add(where.removeprefix("derived[").removesuffix("].value"))
        elif where.startswith("products[") and (call is not None or expression.reads & unstable):
            line, column = place_in_text(expression.source, call.offset if call is not None else 0)
            text = "The product reads answered(): its outcome or price moves when the answer comes."
            remedy = "Compare the answer itself: what is not answered yet is then unknown."
            yield CatalogueWarning(UNSTABLE, where, text, remedy, line, column)


def _call_of_answered(node: Node) -> Call | None:
    if isinstance(node, Call) and node.function == "answered":
        return node
    return next((call for child in children(node) if (call := _call_of_answered(child)) is not None), None)


def _question_warnings(question: Question, definition: CatalogueDefinition, where: str) -> Iterator[CatalogueWarning]:
    if question.sensitivity == "spi" and question.indexed:
        text = "A secret answer (spi) is never searched, so indexed has no effect."
        yield CatalogueWarning(NEVER_INDEXED, f"{where}.indexed", text, "Remove indexed.")
    problem = _unanswerable(question, definition)
    if problem:
        yield CatalogueWarning(UNANSWERABLE, f"{where}.validate", problem, "Correct the validators.")


def _unanswerable(question: Question, definition: CatalogueDefinition) -> str:
    """Return why the validators of a question let no answer pass, "" if some answer can."""
    kind = type_of(question.type).kind
    if kind in (NUMBER, TEXT):
        limits = _limits(question, "min", "max")
        least, most = limits.least, limits.most
        if question.type in _WHOLE:
            least = None if least is None else Decimal(math.ceil(least))
            most = None if most is None else Decimal(math.floor(most))
        if least is not None and most is not None and least > most:
            return f"No answer can be at least {limits.least} and at most {limits.most}."
        domain = QuestionDomain(question, definition)
        if kind == NUMBER and most is not None and domain.order(most) < 0:
            return f"Every answer is above {limits.most}."
        if kind == NUMBER and least is not None and domain.order(least) > 0:
            return f"Every answer is below {limits.least}."
    items = _limits(question, "min_items", "max_items")
    choices = Decimal(len(definition.choices.get(question.choices, {})))
    if items.least is not None and items.least > (choices if items.most is None else min(items.most, choices)):
        return f"Nobody can choose {items.least} of {choices} choices within these limits."
    for call in question.validate:
        name, *args = call.split(":")
        if name == "age_between" and len(args) == 2 and int(args[0]) > int(args[1]):
            return f"No age is from {args[0]} to {args[1]}."
    after, before = (_arguments(question, name) for name in ("not_before", "not_after"))
    if any(_is_later(first, last) for first in after for last in before):
        return "No day is within these limits."
    return ""


def _limits(question: Question, least: str, most: str) -> Limits:
    """Return the constant limits of the validators named ``least`` and ``most``."""
    lows = [number for text in _arguments(question, least) if (number := _number(text)) is not None]
    highs = [number for text in _arguments(question, most) if (number := _number(text)) is not None]
    return Limits(max(lows, default=None), min(highs, default=None))


def _arguments(question: Question, name: str) -> list[str]:
    return [call.partition(":")[2] for call in question.validate if call.partition(":")[0] == name]


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _is_later(first: str, last: str) -> bool:
    """Return whether the date ``first`` is after ``last``; two days counted from today are compared, too."""
    if first.startswith("as_of") != last.startswith("as_of"):
        return False
    if first.startswith("as_of"):
        return int(first.removeprefix("as_of") or 0) > int(last.removeprefix("as_of") or 0)
    return first > last


def _line_warnings(definition: CatalogueDefinition) -> Iterator[CatalogueWarning]:
    if not definition.products:
        return
    questions = {question.code: question for part in definition.question_sets for question in part.questions}
    asked = questions.get(definition.lines_question)
    lines, sold = {line.code for line in definition.lines}, {product.line for product in definition.products}
    for code in definition.choices.get(asked.choices, {}) if asked else ():
        if asked and code not in lines:
            text = f"{code!r} can be requested, but it is no line of business: no product is ever offered for it."
            where = f"choices[{asked.choices}][{code}]"
            yield CatalogueWarning(MISSING_LINE, where, text, "Add the line, or remove the choice.")
    for code in sorted(lines - sold):
        text = f"No product belongs to the line {code!r}."
        yield CatalogueWarning(NO_PRODUCT, f"lines[{code}].code", text, "Add a product, or remove the line.")


def _product_warnings(compiled: CompiledProduct) -> Iterator[CatalogueWarning]:
    product, where = compiled.product, f"products[{compiled.product.code}]"
    if not (product.rating.terms or product.rating.tables):
        text = "The product has no terms and no tables, so it has no premium: its carrier names the price."
        yield CatalogueWarning(NO_RATING, f"{where}.code", text, "Add terms or tables if it has a price here.")
    for place, table in enumerate(compiled.tables):
        domains = table.rate_by.kind.domains
        if table.table.reason or not all(domain.choices for domain in domains):
            continue
        missing = [code for domain in domains for code in domain.choices if code not in table.rates]
        if missing:
            text = f"There is no rate for {', '.join(map(repr, missing[:5]))}: such rows count 0."
            remedy = "Add the rates, or a reason to decline them."
            yield CatalogueWarning(MISSING_RATE, f"{where}.rating.tables[{place}].rates", text, remedy)


def _unused(catalogue: CompiledCatalogue, texts: Iterable[tuple[str, Expression]]) -> Iterator[CatalogueWarning]:
    definition = catalogue.definition
    lists = {question.choices for part in definition.question_sets for question in part.questions}
    for code in definition.choices:
        if code not in lists:
            yield CatalogueWarning(UNUSED, f"choices[{code}]", "No question uses this list.", "Remove it.")
    sent = (product.payload for product in catalogue.products.values())
    read = frozenset[str]().union(
        *(expression.reads for _, expression in texts), *(part.quote.reads | part.bind.reads for part in sent)
    )
    for derived in definition.derived:
        if derived.code not in read and not derived.show:
            text = f"Nothing reads {derived.code!r}, and it is not shown."
            yield CatalogueWarning(UNUSED, f"derived[{derived.code}].code", text, "Remove it, or write show: true.")
    used = {product.carrier for product in definition.products}
    for carrier in definition.carriers:
        if carrier.code not in used:
            text = f"The carrier {carrier.code!r} has no product."
            yield CatalogueWarning(UNUSED, f"carriers[{carrier.code}].code", text, "Add one, or remove the carrier.")
