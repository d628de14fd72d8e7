"""Explains results: why a question is shown or hidden, a product has its outcome, a premium its amount, a message its
cause. Pure.

An explanation is computed on demand from a document and a catalogue, so past versions can be explained too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from copies.document import Document
from copies.paths import Path, split_prefix
from rules.definition.model import CompiledCatalogue, CompiledProduct, CompiledRule
from rules.explain.conditions import ConditionExplainer, TracedPart, TracedRule, Visibility, truth_of
from rules.explain.declines import DECLINING
from rules.explain.price_steps import PriceStep, explain_steps
from rules.explain.ways_back import WaysBack
from rules.flow.eligibility import BaseCheck, base_checks, decide_product, decide_products, is_open
from rules.flow.evaluation import ProductOutcome, Reason
from rules.flow.messages import messages_of
from rules.flow.premium import rate
from rules.flow.shown_questions import decide
from rules.flow.state import Frame, Reveal, State
from rules.flow.stored_values import plain
from rules.flow.surplus import requirement_text, rules_in_force
from rules.language.values import Unknown

__all__ = ["Explanation", "PriceStep", "TracedPart", "TracedRule", "UnknownTarget", "explain"]


class Explanation(msgspec.Struct, frozen=True):
    """The explanation of ``target``, with the values that its reader may see.

    ``way_back`` says what would take the decline of a product back, ``nearest`` is the rule with the smallest way back.
    """

    target: str
    kind: str
    result: str | float | bool | None
    text: str
    release: int
    as_of: date
    rules: tuple[TracedRule, ...] = ()
    premium_steps: tuple[PriceStep, ...] = ()
    way_back: str = ""
    nearest: str = ""


class UnknownTarget(LookupError):
    """No target with this name can be explained."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(
            f"There is nothing to explain called {target!r}. Use product:CODE, premium:CODE, question:PATH, set:CODE, "
            "derived:CODE or message:RULE."
        )


def explain(  # noqa: PLR0913 - the document's surroundings are four
    catalogue: CompiledCatalogue,
    document: Document,
    target: str,
    *,
    as_of: date,
    reveal: Reveal,
    visibility: Visibility,
    release: int = 0,
    ways_back: bool = False,
) -> Explanation:
    """Return the explanation of ``target`` in ``document``; ``visibility`` decides which values the reader sees. With
    ``ways_back`` a declined product names what would take the decline back, which decides changed forms.

    The code of a product, derived value, set or rule, or a question path, also works without its prefix. Raises
    ``UnknownTarget``.
    """
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    found = _Explainer(state, visibility, release).explain(target)
    return with_ways_back(found, state, visibility) if ways_back and found.result == "decline" else found


def with_ways_back(found: Explanation, state: State, visibility: Visibility) -> Explanation:
    """Return the explanation of a declined product with what would take each reason, and the decline, back."""
    product = state.catalogue.products.get(found.target.partition(":")[2])
    if product is None or found.kind != "product":
        return found
    declining = [rule for rule in found.rules if rule.truth == "true" and rule.effect in DECLINING]
    conditions = {rule.rule.id: rule.when for rule in product.rules}
    ways, text = WaysBack(state, product, visibility).of_decline(
        {rule.id: conditions.get(rule.id) for rule in declining}
    )
    nearest = min(ways, key=lambda identity: ways[identity].size, default="")
    rules = tuple(
        replace(rule, way_back=ways[rule.id].text) if rule in declining and rule.id in ways else rule
        for rule in found.rules
    )
    return replace(found, rules=rules, way_back=text, nearest=nearest)


def explain_hidden(
    catalogue: CompiledCatalogue,
    document: Document,
    targets: Iterable[str],
    *,
    as_of: date,
    reveal: Reveal,
    visibility: Visibility,
) -> dict[str, Explanation]:
    """Return the explanations of many ``targets`` (``question:PATH``, ``set:CODE``) of one document by target.

    Unknown targets are left out.
    """
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    explainer, found = _Explainer(state, visibility, 0), dict[str, Explanation]()
    for target in targets:
        with suppress(UnknownTarget):
            found[target] = explainer.explain(target)
    return found


class _Content(NamedTuple):
    """The content of an explanation."""

    result: str | float | bool | None
    text: str
    rules: Sequence[TracedRule]
    steps: Sequence[PriceStep] = ()


class _Explainer:
    def __init__(self, state: State, visibility: Visibility, release: int) -> None:
        self._state = state
        self._visibility = visibility
        self._catalogue = state.catalogue
        self._release = release
        self._observer = ConditionExplainer(state, visibility)

    def explain(self, target: str) -> Explanation:
        kind, colon, name = target.partition(":")
        if not colon:
            kind, name = self._kind_of(target), target
        make = _KINDS.get(kind)
        if make is None:
            raise UnknownTarget(target)
        made = make(self, name)
        return Explanation(
            target=f"{kind}:{name}",
            kind=kind,
            result=made.result,
            text=made.text,
            release=self._release,
            as_of=self._state.check_context.as_of,
            rules=tuple(made.rules),
            premium_steps=tuple(made.steps),
        )

    def _kind_of(self, name: str) -> str:
        known = {"product": self._catalogue.products, "derived": self._catalogue.derived, "set": self._catalogue.sets}
        for kind, names in known.items():
            if name in names:
                return kind
        if Path(name).code in self._catalogue.questions:
            return "question"
        return "message" if any(rule.rule.id == name for rule in self._catalogue.form_rules) else "rule"

    # Products

    def product(self, code: str) -> _Content:
        product = self._product(code)
        rules = self._product_rules(product)
        outcome = decide_products(self._state).get(code)
        if outcome is None:
            if not self._state.is_wanted(product.product.line):
                text = f"{code} is not decided: the line {product.line.line.label} is not requested."
                return _Content("not_asked", text, rules)
            return _Content("excluded", f"{code} is excluded from this copy.", rules)
        if outcome.outcome == "locked":
            return _Content("locked", self._locked(product), [*self._rivals(product), *rules])
        if product.is_surplus:
            text = f"{_outcome_text(code, outcome)} {self._opened(product)}"
            return _Content(outcome.outcome, text, [*self._rivals(product), *rules])
        return _Content(outcome.outcome, _outcome_text(code, outcome), rules)

    def rule(self, identity: str) -> _Content:
        for code, product in self._catalogue.products.items():
            rule = next((rule for rule in product.rules if rule.rule.id == identity), None)
            if rule is not None:
                traced = self._product_rule(rule)
                text = f"Rule {identity} of {code} {_VERBS[traced.truth]}: {rule.rule.why}."
                return _Content(traced.truth, text, [traced])
        raise UnknownTarget(identity)

    def premium(self, code: str) -> _Content:
        product = self._product(code)
        adjusting = [rule for rule in product.rules if rule.overrides and rule.when.evaluate(self._state.root) is True]
        rated = rate(self._state, product, adjusting)
        rules = [self._product_rule(rule) for rule in adjusting]
        # Factors read the rated values, not the answers.
        of_rated = ConditionExplainer(self._state, self._visibility, root=rated.root)
        steps = explain_steps(self._state, rated, of_rated)
        hides_factors = any(step.is_hidden for step in steps)
        rules += [
            of_rated.rule(factor.id, factor.label if hides_factors else f"times {factor.times}", factor.when)
            for factor in product.factors
        ]
        outcome = decide_products(self._state).get(code)
        if outcome is None or outcome.premium is None:
            return _Content(None, _without_premium(code, outcome), rules, steps)
        currency = self._catalogue.definition.currency
        return _Content(outcome.premium, f"{code} costs {outcome.premium} {currency} a year.", rules, steps)

    def _product(self, code: str) -> CompiledProduct:
        if code not in self._catalogue.products:
            raise UnknownTarget(code)
        return self._catalogue.products[code]

    def _product_rules(self, product: CompiledProduct) -> list[TracedRule]:
        checks = [self._check(product, check) for check in base_checks(self._state, product)]
        return checks + [self._product_rule(rule) for rule in product.rules]

    def _product_rule(self, rule: CompiledRule) -> TracedRule:
        return replace(self._observer.rule(rule.rule.id, rule.rule.why, rule.when), effect=rule.rule.then)

    def _check(self, product: CompiledProduct, check: BaseCheck) -> TracedRule:
        line = product.line
        tables = {table.table.reason: table for table in product.tables}
        if check.id in tables:
            condition, reads = f"{tables[check.id].rate_by.source} has no rate", tables[check.id].reads
        elif check.id == "state":
            condition, reads = f"a state of {line.states.source} is not offered", line.states.reads
        else:
            condition, reads = f"{line.industry.source} is not offered", line.industry.reads
        truth = truth_of(check.declines)
        text = check.text if truth == "true" else f"Base check {check.id}."
        would_match = "" if truth == "true" else f"It would match if {condition}."
        values = self._observer.values(reads)
        return TracedRule(check.id, text, condition, truth, values, would_match=would_match, effect="base")

    def _rivals(self, product: CompiledProduct) -> list[TracedRule]:
        outcomes = {code: decide_product(self._state, self._catalogue.products[code]) for code in product.rivals}
        return [
            TracedRule(
                code,
                f"The outcome of {code} is {outcome.outcome}.",
                f"{code} declines",
                truth_of(outcome.outcome == "decline"),
            )
            for code, outcome in outcomes.items()
        ]

    def _locked(self, product: CompiledProduct) -> str:
        waiting = [rule.id for rule in self._rivals(product) if rule.truth != "true"]
        return (
            f"{product.product.code} writes surplus lines and stays locked until {self._requirement(product)}; "
            f"{' and '.join(waiting)} did not."
        )

    def _opened(self, product: CompiledProduct) -> str:
        return f"It writes surplus lines, open because {self._requirement(product)}."

    def _requirement(self, product: CompiledProduct) -> str:
        return requirement_text(rules_in_force(self._state, product))

    # The form

    def question(self, path: str) -> _Content:
        prefix, code = split_prefix(path)
        question = self._catalogue.questions.get(code)
        frame = (
            next((row for row in self._state.frames[question.pool] if row.prefix == prefix), None) if question else None
        )
        if question is None or frame is None:
            raise UnknownTarget(path)
        part = self._catalogue.sets[question.set_code]
        rules = []
        if part.when:
            rules.append(
                self._observer.rule(f"set:{question.set_code}", part.question_set.title, part.when, frame.parent)
            )
        if question.when:
            rules.append(self._observer.rule(code, question.question.label, question.when, frame))
        for gate in question.gates:
            product = gate.product.product.code
            is_asked = is_open(self._state, gate)
            text = f"{product} {'asks' if is_asked else 'does not ask'} this."
            condition = f"{product} is requested and neither locked nor declined"
            rules.append(TracedRule(product, text, condition, truth_of(is_asked)))
        is_shown = frame.values[question.slot] is not None and path not in self._state.undecided
        if question.required_when is not None:
            for purpose, when in zip(_PURPOSES, question.required_when, strict=True):
                if when is not None:
                    rules.append(self._observer.rule(f"{code}:{purpose}", _PURPOSES[purpose], when, frame))
        return _shown(is_shown, question.question.label, rules)

    def question_set(self, code: str) -> _Content:
        if code not in self._catalogue.sets:
            raise UnknownTarget(code)
        part = self._catalogue.sets[code]
        owners: list[Frame] = self._state.frames[part.parent]
        rules = [
            self._observer.rule(f"set:{code}", part.question_set.title, part.when, row) for row in owners if part.when
        ]
        is_shown = code in self._state.shown_sets and code in self._state.asked_sets
        return _shown(is_shown, part.question_set.title, rules)

    def derived(self, code: str) -> _Content:
        if code not in self._catalogue.derived:
            raise UnknownTarget(code)
        part = self._catalogue.derived[code]
        value = self._state.root[part.slot]
        rule = TracedRule(
            id=code,
            text=part.derived.label or code,
            condition=part.value.source,
            truth="unknown" if value.__class__ is Unknown else "true",
            values=self._observer.values(part.value.reads),
        )
        shown = self._visibility.shown(code, plain(value), tag=self._observer.tag_of_derived(code))
        state = "not part of this form" if shown is None else str(shown)
        if value.__class__ is Unknown:
            missing = ", ".join(sorted(value.paths, key=self._state.key))
            state = f"not known yet: {missing} must be answered"
        return _Content(None if isinstance(shown, list) else shown, f"{code} is {state}.", [rule])

    def message(self, name: str) -> _Content:
        told = self._visibility.messages(messages_of(self._state), lambda: self._state.document)
        messages = [item for item in told if name in (item.code, item.path)]
        rules = [rule for rule in self._catalogue.form_rules if name in (rule.rule.id, rule.rule.at)]
        is_path = Path(name).code in {*self._catalogue.questions, *self._catalogue.pools}
        if not messages and not rules and not is_path:
            raise UnknownTarget(name)
        traced = [
            self._observer.rule(rule.rule.id, rule.rule.say, rule.when, frame if rule.pool else None)
            for rule in rules
            for frame in self._state.frames[rule.pool]
            if frame.shown
        ]
        if not messages:
            return _Content("not_said", f"{name} shows no message.", traced)
        return _Content("said", " ".join(f"{item.path}: {item.text.rstrip('.')}." for item in messages), traced)


def _outcome_text(code: str, outcome: ProductOutcome) -> str:
    why = _listed(outcome.reasons)
    match outcome.outcome:
        case "decline":
            declining = _listed(reason for reason in outcome.reasons if reason.effect in ("decline", "base"))
            referring = _listed(reason for reason in outcome.reasons if reason.effect == "refer")
            also = f" It would also refer to an underwriter: {referring}." if referring else ""
            return f"{code} declines: {declining}.{also}"
        case "need_info":
            return f"{code} cannot be decided before these are answered: {', '.join(outcome.missing)}."
        case "refer":
            return f"{code} refers to an underwriter: {why}."
        case _:
            return f"{code} is eligible: {why}." if why else f"{code} is eligible: no rule or check applies."


def _listed(reasons: Iterable[Reason]) -> str:
    return "; ".join(f"{reason.text.rstrip('.')} ({reason.rule})" for reason in reasons)


def _without_premium(code: str, outcome: ProductOutcome | None) -> str:
    if outcome is not None and outcome.priced_by_carrier:
        return f"{code} has no premium: its carrier prices it."
    if outcome is not None and (missing := (*outcome.missing, *outcome.missing_for_price)):
        return f"{code} has no premium before these are answered: {', '.join(missing)}."
    if outcome is not None and outcome.outcome in ("eligible", "refer"):
        return f"{code} has no premium: the amount is too large."
    return f"{code} has no premium: only eligible and referred products have one."


def _shown(is_shown: bool, label: str, rules: Sequence[TracedRule]) -> _Content:
    if is_shown:
        return _Content("shown", f"{label!r} is shown: all its conditions are true.", rules)
    return _Content("hidden", f"{label!r} is hidden: not all its conditions are true.", rules)


_VERBS: Final = {"true": "matches", "false": "does not match", "unknown": "cannot be decided yet"}
_PURPOSES: Final = {"quote": "Needed before a quote.", "bind": "Needed before binding."}
_KINDS: Final[dict[str, Callable[[_Explainer, str], _Content]]] = {
    "product": _Explainer.product,
    "premium": _Explainer.premium,
    "question": _Explainer.question,
    "set": _Explainer.question_set,
    "derived": _Explainer.derived,
    "message": _Explainer.message,
    "rule": _Explainer.rule,
}
