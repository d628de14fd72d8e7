"""Compiles lines of business and products: base checks, rules and rating. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from rules.definition.catalogue import CatalogueDefinition, Factor, Product, ProductRule, Question, RateTable, Term
from rules.definition.model import (
    CHECKS,
    CLASS_CHECK,
    RATING,
    STATE_CHECK,
    CompiledFactor,
    CompiledLine,
    CompiledProduct,
    CompiledRule,
    CompiledTable,
    CompiledTerm,
    Override,
)
from rules.definition.payload_compiler import PayloadCompiler
from rules.definition.rating_labels import RatingLabels
from rules.definition.surplus import compile_surplus, rules_of_line
from rules.definition.texts import Texts
from rules.language.kinds import NUMBER, TEXT, TEXTS, TRUTH
from rules.types.registry import type_of


def compile_lines(definition: CatalogueDefinition, texts: Texts) -> dict[str, CompiledLine]:
    """Return the lines by code; ``texts`` collects the faults."""
    return {
        line.code: CompiledLine(
            line=line,
            states=texts.compile(line.states, f"lines[{line.code}].states", wanted=(TEXTS,)),
            industry=texts.compile(line.industry, f"lines[{line.code}].industry", wanted=(TEXT,)),
        )
        for line in definition.lines
    }


def compile_products(
    definition: CatalogueDefinition, texts: Texts, lines: Mapping[str, CompiledLine]
) -> dict[str, CompiledProduct]:
    """Return the products by code; ``texts`` collects the faults."""
    return _Products(definition, texts, lines).compiled()


class _Products:
    def __init__(self, definition: CatalogueDefinition, texts: Texts, lines: Mapping[str, CompiledLine]) -> None:
        self._products = definition.products
        self._admitted = {carrier.code for carrier in definition.carriers if carrier.admitted}
        self._questions: dict[str, Question] = {
            question.code: question for part in definition.question_sets for question in part.questions
        }
        self._labels = RatingLabels(definition)
        self._texts = texts
        self._lines = lines
        self._payloads = PayloadCompiler(definition, texts)
        self._surplus = compile_surplus(definition)

    def compiled(self) -> dict[str, CompiledProduct]:
        return {product.code: self._product(product, f"products[{product.code}]") for product in self._products}

    def _product(self, product: Product, where: str) -> CompiledProduct:
        is_surplus = product.carrier not in self._admitted
        rivals = [
            other.code for other in self._products if other.line == product.line and other.carrier in self._admitted
        ]
        rating = product.rating
        check_ids, rule_ids = tuple(_check_ids(product)), [rule.id for rule in product.rules]
        compiled = CompiledProduct(
            product=product,
            line=self._lines[product.line],
            is_surplus=is_surplus,
            rivals=tuple(rivals) if is_surplus else (),
            surplus=rules_of_line(self._surplus, product.line) if is_surplus else (),
            states=None if product.states is None else frozenset(product.states),
            rules=tuple(self._rule(rule, f"{where}.rules[{rule.id}]") for rule in product.rules),
            check_ids=check_ids,
            has_unique_reasons=len({*check_ids, *rule_ids}) == len(check_ids) + len(rule_ids),
            is_rated=bool(rating.terms or rating.tables or Decimal(rating.minimum)),
            minimum=Decimal(rating.minimum),
            floor=Fraction(Decimal(rating.minimum)),
            terms=tuple(self._term(term, f"{where}.rating.terms[{at}]") for at, term in enumerate(rating.terms)),
            tables=tuple(self._table(table, f"{where}.rating.tables[{at}]") for at, table in enumerate(rating.tables)),
            factors=tuple(self._factor(factor, f"{where}.rating.factors[{factor.id}]") for factor in rating.factors),
        )
        if product.payload is not None:
            return replace(compiled, payload=self._payloads.declared(product.payload, f"{where}.payload"))
        reads = frozenset().union(*(read for _, read in product_reads(compiled)))
        return replace(compiled, payload=self._payloads.default(reads, product.code))

    def _rule(self, rule: ProductRule, where: str) -> CompiledRule:
        overrides = []
        for code, value in rule.set.items():
            question_type = type_of(self._questions[code].type)
            slot, reaches = self._texts.slots[""][code].slot, self._texts.derived_of(code)
            overrides.append(Override(code, slot, question_type.reader(value), value, reaches))
        when = self._texts.compile(rule.when, f"{where}.when", wanted=(TRUTH,))
        return CompiledRule(rule=rule, when=when, overrides=tuple(overrides))

    def _term(self, term: Term, where: str) -> CompiledTerm:
        of = self._texts.compile(term.of, f"{where}.of", wanted=(NUMBER,))
        rate, per = Decimal(term.rate), Decimal(term.per)
        share, formula = Fraction(rate) / Fraction(per), f"{of.source} / {per} * {rate}"
        label = self._labels.of_term(term)
        return CompiledTerm(label=label, formula=formula, rate=rate, per=per, share=share, of=of)

    def _table(self, table: RateTable, where: str) -> CompiledTable:
        compile_text, pool = self._texts.compile, table.pool
        rate_by = compile_text(table.rate_by, f"{where}.rate_by", wanted=(TEXT,), pool=pool)
        amount = compile_text(table.amount, f"{where}.amount", wanted=(NUMBER,), pool=pool) if table.amount else None
        times = compile_text(table.times, f"{where}.times", wanted=(NUMBER,)) if table.times else None
        return CompiledTable(
            label=self._labels.of_table(table),
            table=table,
            rates={code: Fraction(Decimal(rate)) for code, rate in table.rates.items()},
            rate_by=rate_by,
            reads=rate_by.reads | {pool},
            per=Fraction(Decimal(table.per)),
            amount=amount,
            times=times,
        )

    def _factor(self, factor: Factor, where: str) -> CompiledFactor:
        when = self._texts.compile(factor.when, f"{where}.when", wanted=(TRUTH,))
        label = self._labels.of_factor(factor)
        return CompiledFactor(id=factor.id, label=label, when=when, times=Decimal(factor.times))


def _check_ids(product: Product) -> Iterator[str]:
    if product.states is not None:
        yield STATE_CHECK
    if product.industries is not None:
        yield CLASS_CHECK
    yield from (table.reason for table in product.rating.tables if table.reason)


def product_reads(product: CompiledProduct) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield the reads of each part of a product; the question of the requested lines is not among them."""
    yield CHECKS, product.line.states.reads | product.line.industry.reads
    for place, rule in enumerate(product.rules):
        yield place, rule.when.reads
        yield RATING, frozenset(override.code for override in rule.overrides)
    for table in product.tables:
        yield CHECKS, table.reads
        yield RATING, table.rated_reads
    for term in product.terms:
        yield RATING, term.of.reads
    for factor in product.factors:
        yield RATING, factor.when.reads
