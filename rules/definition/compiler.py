"""Checks and compiles a whole catalogue definition. Pure.

Codes and references are checked first, then every text; all faults are reported together. The order of decisions is
computed only for a definition without faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from rules.definition.catalogue import (
    CatalogueDefinition,
    FormRule,
    Question,
    QuestionSet,
    RequiredWhen,
    without_shadow,
)
from rules.definition.code_checks import check_references
from rules.definition.day_readers import find_day_readers
from rules.definition.dependency_order import CycleError, GateMaker, Reads, gate_reads, set_node
from rules.definition.dependents import find_dependents
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import (
    CompiledCatalogue,
    CompiledDerived,
    CompiledFormRule,
    CompiledPool,
    CompiledProduct,
    CompiledQuestion,
    CompiledSet,
    Requirement,
    ShadowRule,
    Step,
)
from rules.definition.plan import plan_of
from rules.definition.product_compiler import compile_lines, compile_products
from rules.definition.texts import Texts, cycle_fault
from rules.language.expressions import Expression
from rules.language.kinds import TRUTH
from rules.types.registry import type_of
from rules.types.validators import Relation, parse_validators

__all__ = ["CatalogueErrors", "CatalogueFault", "CompiledCatalogue", "compile_catalogue"]

#: The types whose answers any later release with the same type accepts.
_FREE_TYPES: Final = frozenset({"text", "long_text"})
_REQUIRED: Final = {"quote": "quote", "bind": "bind", "optional": ""}
#: Faults that make compiling the texts pointless.
_BREAKING: Final = frozenset({"duplicate_code", "bad_code", "cycle", "unknown_pool", "unknown_line"})


def compile_catalogue(definition: CatalogueDefinition) -> CompiledCatalogue:
    """Return ``definition`` compiled. Raises ``CatalogueErrors`` with every fault that hinders it.

    Releases are compiled by this: what later editions of the checker learned to find must not stop forms in use.
    ``catalogue.strict_check`` finds more.
    """
    return compile_with_doubts(definition)[0]


def compile_with_doubts(
    definition: CatalogueDefinition, *, more: Sequence[CatalogueFault] = ()
) -> tuple[CompiledCatalogue, list[tuple[str, Expression]], list[CatalogueFault]]:
    """Return ``definition`` compiled, its texts with their places, and the faults that hinder no evaluation.

    Raises ``CatalogueErrors`` with all faults, and ``more``, if any hinders it.
    """
    faults = check_references(definition)
    if any(fault.code in _BREAKING for fault in faults):
        raise CatalogueErrors([*faults, *more])
    compiler = _Compiler(
        definition, has_wrong_products=any(fault.where.startswith(("products", "surplus")) for fault in faults)
    )
    faults += compiler.faults()
    if faults:
        raise CatalogueErrors([*faults, *compiler.texts.doubts, *more])
    texts = compiler.texts
    return compiler.catalogue(), [*texts.compiled, *texts.without_effect], texts.doubts


class _Compiler:
    def __init__(self, definition: CatalogueDefinition, *, has_wrong_products: bool) -> None:
        self._definition = without_shadow(definition)
        self._faults: list[CatalogueFault] = []
        self.texts = texts = Texts(definition)
        self._pool_of = {
            question.code: part.pool.code if part.pool else ""
            for part in definition.question_sets
            for question in part.questions
        }
        self._sets = {part.code: self._set(part, order) for order, part in enumerate(definition.question_sets)}
        self._questions = {
            question.code: self._question(question, part, order)
            for part in definition.question_sets
            for order, question in enumerate(part.questions)
        }
        self._form_rules = tuple(map(self._form_rule, self._definition.form_rules))
        lines = compile_lines(definition, texts)
        self._products: dict[str, CompiledProduct] = {}
        if not has_wrong_products:
            self._products = compile_products(self._definition, texts, lines)
        self._shadow = () if definition is self._definition else tuple(self._shadow_rules(definition))

    def faults(self) -> list[CatalogueFault]:
        return [*self.texts.faults, *self._faults]

    def catalogue(self) -> CompiledCatalogue:
        """Return the compiled catalogue; call it only if there are no faults. Raises ``CatalogueErrors`` for a
        cycle.
        """
        questions = self._questions_of_derived()
        derived = {
            part.code: CompiledDerived(
                derived=part,
                slot=self.texts.slots[""][part.code].slot,
                value=self.texts.derived[part.code],
                questions=questions[part.code],
                tag=self.texts.derived_tags[part.code],
            )
            for part in self._definition.derived
        }
        order = self._order()
        self._mark_unread()
        choices = {code: MappingProxyType(dict(labels)) for code, labels in self._definition.choices.items()}
        named: dict[str, Step] = {set_node(code): part for code, part in self._sets.items()}
        named.update(self._questions)
        named.update(derived)
        pools, steps = self._pools(), tuple(named[code] for code in order if code in named)
        related = tuple(question for question in self._questions.values() if question.relations)
        conditional = tuple(question for question in self._questions.values() if question.required_when)
        return CompiledCatalogue(
            definition=self._definition,
            questions=MappingProxyType(self._questions),
            pools=MappingProxyType(pools),
            sets=MappingProxyType(self._sets),
            derived=MappingProxyType(derived),
            derived_order=tuple(self.texts.derived),
            products=MappingProxyType(self._products),
            form_rules=self._form_rules,
            related=related,
            conditional=conditional,
            steps=steps,
            plan=plan_of(steps),
            width=self.texts.width(),
            codes=MappingProxyType(
                {
                    pool: frozenset(code for code, own in self._pool_of.items() if own == pool)
                    for pool in self.texts.slots
                }
            ),
            nested=MappingProxyType(
                {
                    pool: frozenset(code for code, part in pools.items() if part.pool.parent == pool)
                    for pool in self.texts.slots
                }
            ),
            choice_lists=MappingProxyType(choices),
            indexed=frozenset(code for code, part in self._questions.items() if part.question.indexed),
            dependents=find_dependents(
                steps,
                pools=pools,
                related=related,
                conditional=conditional,
                form_rules=self._form_rules,
                products=self._products.values(),
                lines_question=self._definition.lines_question,
            ),
            day=find_day_readers(
                (*(text for _, text in self.texts.compiled), *self.texts.mapped),
                self._questions,
                has_days=any(rule.since or rule.until for rule in self._definition.surplus),
            ),
            shadow=self._shadow,
        )

    def _questions_of_derived(self) -> dict[str, frozenset[str]]:
        """Return the codes of the questions that each derived value shows something of: none for a yes or no."""
        found: dict[str, frozenset[str]] = {}
        # Each comes after the derived values that it reads.
        for code, value in self.texts.derived.items():
            own = frozenset[str]() if value.kind == TRUTH else value.reads
            inner = (found[read] for read in own & found.keys())
            found[code] = (own & self._questions.keys()).union(*inner)
        return found

    def _set(self, part: QuestionSet, order: int) -> CompiledSet:
        pool, parent = (part.pool.code, part.pool.parent) if part.pool else ("", "")
        where = f"question_sets[{part.code}].when"
        when = self.texts.compile(part.when, where, wanted=(TRUTH,), pool=parent) if part.when else None
        return CompiledSet(question_set=part, order=order, pool=pool, parent=parent, when=when)

    def _question(self, question: Question, part: QuestionSet, order: int) -> CompiledQuestion:
        pool, where = self._pool_of[question.code], f"question_sets[{part.code}].questions[{question.code}]"
        when = self.texts.compile(question.when, f"{where}.when", wanted=(TRUTH,), pool=pool) if question.when else None
        checks, drafts, wrong = parse_validators(question, pool)
        self._faults += [
            CatalogueFault("wrong_validator", f"{where}.validate", str(fault), fault.remedy) for fault in wrong
        ]
        relations = [
            Relation(
                draft.name,
                self.texts.compile(draft.other, f"{where}.validate", wanted=(draft.kind,), pool=pool),
                draft.test,
            )
            for draft in drafts
        ]
        return CompiledQuestion(
            question=question,
            set_code=part.code,
            pool=pool,
            order=order,
            slot=self.texts.slots[pool][question.code].slot,
            required="" if isinstance(question.required, RequiredWhen) else _REQUIRED[question.required],
            read=type_of(question.type).reader,
            when=when,
            required_when=self._requirement(question, f"{where}.required", pool),
            checks=tuple(checks),
            relations=tuple(relations),
        )

    def _requirement(self, question: Question, where: str, pool: str) -> Requirement | None:
        if not isinstance(question.required, RequiredWhen):
            return None
        texts = {"quote": question.required.quote, "bind": question.required.bind}
        if not any(texts.values()):
            remedy = "Write quote or bind with a condition, or optional."
            self._faults.append(CatalogueFault("missing_value", where, "No condition is written here.", remedy))
        quote, bind = (
            self.texts.compile(text, f"{where}.{key}", wanted=(TRUTH,), pool=pool) if text else None
            for key, text in texts.items()
        )
        return Requirement(quote, bind)

    def _pools(self) -> dict[str, CompiledPool]:
        pools = {}
        for part in self._definition.question_sets:
            if part.pool:
                code = part.pool.code
                pools[code] = CompiledPool(
                    pool=part.pool,
                    set_code=part.code,
                    slot=self.texts.slots[part.pool.parent][code].slot,
                    questions=tuple(question.code for question in part.questions),
                    children=tuple(item.pool for item in self._sets.values() if item.pool and item.parent == code),
                    ancestors=self.texts.ancestors(code),
                    width=self.texts.width(code),
                )
        return pools

    def _form_rule(self, rule: FormRule) -> CompiledFormRule:
        pool = self._pool_of.get(rule.at, "")
        when = self.texts.compile(rule.when, f"form_rules[{rule.id}].when", wanted=(TRUTH,), pool=pool)
        return CompiledFormRule(rule=rule, when=when, pool=pool)

    def _shadow_rules(self, definition: CatalogueDefinition) -> Iterator[ShadowRule]:
        """Yield the shadow rules compiled, in the order of the definition, the form's first."""
        for rule in definition.form_rules:
            if rule.shadow:
                pool = self._pool_of.get(rule.at, "")
                when = self.texts.shadow(rule.when, f"form_rules[{rule.id}].when", pool=pool)
                yield ShadowRule(rule=rule, when=when, pool=pool)
        for product in definition.products:
            for own in product.rules:
                if own.shadow:
                    when = self.texts.shadow(own.when, f"products[{product.code}].rules[{own.id}].when")
                    yield ShadowRule(rule=own, when=when, product=product.code)

    def _order(self) -> list[str]:
        """Return the order of decisions, and set the gates of the carrier questions."""
        reads = Reads(sets=self._sets.values(), questions=self._questions, derived=self.texts.derived)
        maker = GateMaker(reads, self._products)
        lines_question = self._definition.lines_question
        for code, question in list(self._questions.items()):
            if question.question.products:
                gates = tuple(maker.gate(product, reads.position(code)) for product in question.question.products)
                self._questions[code] = replace(question, gates=gates)
                reads.add(code, frozenset((lines_question,)).union(*map(gate_reads, gates)))
        try:
            return reads.order()
        except CycleError as error:
            loop = list(error.args[1])
            raise CatalogueErrors([cycle_fault(loop, self._place(loop))]) from error

    def _place(self, loop: list[str]) -> str:
        """Return the place of the first code of ``loop`` that has a text."""
        for code in loop:
            if code in self._questions:
                return f"question_sets[{self._questions[code].set_code}].questions[{code}].when"
            if code in self.texts.derived:
                return f"derived[{code}].value"
        return f"question_sets[{loop[0].removeprefix('set:')}].when"

    def _mark_unread(self) -> None:
        """Mark the questions that no rule or validator reads, so that their sealed answers are never opened.

        An answer whose type takes no free text is read to be judged: a later release may have removed its choice, or
        narrowed its type.
        """
        read = {self._definition.lines_question}.union(*(expression.reads for _, expression in self.texts.compiled))
        for code, question in self._questions.items():
            is_free = question.question.type in _FREE_TYPES
            if is_free and code not in read and not question.checks and not question.relations:
                self._questions[code] = replace(question, is_read=False)
