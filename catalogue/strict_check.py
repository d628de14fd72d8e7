"""Checks a catalogue that its author loads or publishes: every fault, and warnings about likely mistakes. Pure.

Stricter than compiling: a literal that no answer can equal is a fault here, while a release that has one stays in use.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from catalogue.warnings import find_warnings
from rules.definition.catalogue import CatalogueDefinition, Product, ProductRule, Question, RateTable
from rules.definition.compiler import compile_with_doubts
from rules.definition.domains import QuestionDomain, industry_prefixes, industry_remedy
from rules.definition.faults import CatalogueErrors, CatalogueFault, CatalogueWarning
from rules.definition.model import CompiledCatalogue, CompiledProduct, CompiledQuestion
from rules.language.domains import NEVER_TRUE, UNKNOWN_CHOICE, doubt_about, nearest_choice
from rules.language.kinds import Kind
from rules.language.operators import exact
from rules.types.choice import CHOICE
from rules.types.naics import NAICS
from rules.types.registry import type_of
from rules.types.stored_answers import TypeMismatch
from rules.types.text_input import InvalidValue

UNKNOWN_INDUSTRY: Final = "unknown_industry"
#: Categories of characters that nobody sees.
#: The codes of states, territories and military "states" that ZIP codes have.
_STATES: Final = frozenset(
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY PR VI GU AS MP FM MH PW AE AP AA".split()
)
_JOINERS: Final = "\u200c\u200d"
_INVISIBLE: Final = frozenset(("Cc", "Cf", "Cs"))


@dataclass(frozen=True, slots=True)
class CheckedCatalogue:
    """A catalogue without faults, with the warnings about it."""

    compiled: CompiledCatalogue
    warnings: list[CatalogueWarning]


def check_catalogue(definition: CatalogueDefinition) -> CheckedCatalogue:
    """Return ``definition`` compiled, with its warnings. Raises ``CatalogueErrors`` with every fault found."""
    faults = list(_choice_faults(definition))
    compiled, texts, doubts = compile_with_doubts(definition, more=faults)
    faults += doubts
    for question in compiled.related:
        faults += _relation_faults(definition, question)
    for product in compiled.products.values():
        faults += _product_faults(definition, product)
    faults += _surplus_faults(definition, compiled)
    if faults:
        raise CatalogueErrors(faults)
    return CheckedCatalogue(compiled, find_warnings(compiled, texts))


def _choice_faults(definition: CatalogueDefinition) -> Iterator[CatalogueFault]:
    """Yield the codes that no answer can have, because cleaning an answer changes them."""
    for name, labels in definition.choices.items():
        for code in labels:
            try:
                cleaned = CHOICE.clean(code, choices=labels)
            except InvalidValue:
                cleaned = None
            visible = "".join(item for item in code if item in _JOINERS or unicodedata.category(item) not in _INVISIBLE)
            if cleaned == code == visible:
                continue
            tidy = " ".join(visible.split())
            remedy = f"Write {tidy!r}." if tidy else "Write a code with visible characters."
            yield CatalogueFault(
                "bad_code",
                f"choices[{name}][{code}]",
                f"Nobody can choose {code!r}: spaces and invisible characters of answers are tidied away.",
                remedy,
            )


def _relation_faults(definition: CatalogueDefinition, question: CompiledQuestion) -> Iterator[CatalogueFault]:
    """Yield the validators that compare a question with another one that never has its values."""
    own = dict(QuestionDomain(question.question, definition).choices)
    where = f"question_sets[{question.set_code}].questions[{question.question.code}].validate"
    for name, other, _ in question.relations:
        domains = other.kind.of.domains if other.kind.of is not None else other.kind.domains
        offered = {code: label for domain in domains for code, label in domain.choices.items()}
        if not offered or not all(domain.choices for domain in domains):
            continue
        names = ", ".join(repr(domain.name) for domain in domains)
        if name == "in_pool" and own and own.keys().isdisjoint(offered):
            text = f"{question.question.code!r} and {names} have no choice in common."
            yield CatalogueFault(NEVER_TRUE, where, text, "Compare questions that share choices.")
        elif name == "zip_matches_state" and _STATES.isdisjoint(offered):
            text = f"No choice of {names} is the code of a US state."
            yield CatalogueFault(NEVER_TRUE, where, text, "Name a question whose choices are codes such as TX.")


def _product_faults(definition: CatalogueDefinition, compiled: CompiledProduct) -> Iterator[CatalogueFault]:
    product, where = compiled.product, f"products[{compiled.product.code}]"
    yield from _state_faults(product, compiled.line.states.kind, where)
    yield from _industry_faults(product, compiled.line.industry.kind, where)
    for place, table in enumerate(compiled.tables):
        yield from _rate_faults(table.table, table.rate_by.kind, f"{where}.rating.tables[{place}]")
    questions = {question.code: question for part in definition.question_sets for question in part.questions}
    # The compiled product lacks its shadow rules.
    rules = next(other.rules for other in definition.products if other.code == product.code)
    for rule in rules:
        yield from _adjust_faults(definition, rule, questions, f"{where}.rules[{rule.id}].set")


def _state_faults(product: Product, kind: Kind, where: str) -> Iterator[CatalogueFault]:
    domains = kind.of.domains if kind.of is not None else ()
    for state in product.states or ():
        doubt = doubt_about(state, domains)
        if doubt is not None:
            yield CatalogueFault(doubt.code, f"{where}.states[{state}]", doubt.text, doubt.remedy)


def _surplus_faults(definition: CatalogueDefinition, compiled: CompiledCatalogue) -> Iterator[CatalogueFault]:
    """Yield the states of surplus rules that no line of the rule can concern."""
    kinds = {product.product.line: product.line.states.kind for product in compiled.products.values()}
    for rule in definition.surplus:
        concerned = [kind.of for line, kind in kinds.items() if rule.lines is None or line in rule.lines]
        domains = [kind.domains if kind is not None else () for kind in concerned]
        for state in rule.states or ():
            doubts = [doubt_about(state, known) for known in domains]
            if doubts and all(doubts) and (doubt := doubts[0]) is not None:
                yield CatalogueFault(doubt.code, f"surplus[{rule.id}].states[{state}]", doubt.text, doubt.remedy)


def _industry_faults(product: Product, kind: Kind, where: str) -> Iterator[CatalogueFault]:
    is_industry = kind.domains and all(
        isinstance(domain, QuestionDomain) and domain.question.type == NAICS.code for domain in kind.domains
    )
    for prefix in product.industries or ():
        place = f"{where}.industries[{prefix}]"
        if is_industry and prefix not in industry_prefixes():
            text = f"No industry code of NAICS 2022 begins with {prefix!r}."
            yield CatalogueFault(UNKNOWN_INDUSTRY, place, text, industry_remedy(prefix))
        elif kind.domains and not any(domain.passes("startsWith", prefix) for domain in kind.domains):
            names = ", ".join(repr(domain.name) for domain in kind.domains if domain.name)
            choices = {code: label for domain in kind.domains for code, label in domain.choices.items()}
            text = f"No answer to {names} begins with {prefix!r}."
            yield CatalogueFault(UNKNOWN_CHOICE, place, text, nearest_choice(prefix, choices))


def _rate_faults(table: RateTable, kind: Kind, where: str) -> Iterator[CatalogueFault]:
    for code in table.rates:
        doubt = doubt_about(code, kind.domains)
        if doubt is not None:
            yield CatalogueFault(doubt.code, f"{where}.rates[{code}]", doubt.text, doubt.remedy)


def _adjust_faults(
    definition: CatalogueDefinition, rule: ProductRule, questions: dict[str, Question], where: str
) -> Iterable[CatalogueFault]:
    for code, value in rule.set.items():
        question = questions[code]
        try:
            read = type_of(question.type).reader(exact(value) if isinstance(value, int) else value)
        except TypeMismatch:
            continue
        doubt = doubt_about(read, (QuestionDomain(question, definition),))
        if doubt is not None:
            yield CatalogueFault(doubt.code, f"{where}[{code}]", doubt.text, doubt.remedy)
