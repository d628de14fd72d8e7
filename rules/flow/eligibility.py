"""Decides products: base checks and appetite rules with three truth values, the surplus lock, and the gates of carrier
questions. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from rules.definition.model import (
    CHECKS,
    CLASS_CHECK,
    RATING,
    STATE_CHECK,
    CompiledCatalogue,
    CompiledProduct,
    CompiledRule,
    CompiledTable,
    Gate,
)
from rules.flow.evaluation import Adjustment, Needed, Outcome, ProductOutcome, Reason
from rules.flow.premium import Rated, rate
from rules.flow.state import State
from rules.flow.stored_values import plain
from rules.flow.surplus import is_unlocked
from rules.language.values import Maybe, Unknown, Value, all_of, any_of

_NOTHING_KNOWN: Final[Mapping[str, Any]] = MappingProxyType({})


class _Price(NamedTuple):
    """The premium of a product, the paths that it still needs, and the values that it rates instead of answers."""

    premium: int | None
    missing: tuple[str, ...]
    adjustments: tuple[Adjustment, ...]


class BaseCheck(NamedTuple):
    """A base check: the id of its reason, whether it declines (True, False or Unknown), and the text of the reason."""

    id: str
    declines: Value
    text: str


def decide_products(
    state: State,
    *,
    before: Mapping[str, ProductOutcome] = _NOTHING_KNOWN,
    parts: Mapping[str, Collection[int]] = _NOTHING_KNOWN,
) -> dict[str, ProductOutcome]:
    """Return the outcome of every product whose line is requested, in the order of the catalogue.

    Products that are excluded by force are left out. ``before`` are earlier outcomes in which only ``parts`` (by
    product) and the surplus locks may have changed.
    """
    excluded = set(state.document.forced_excluded_products)
    outcomes = _Outcomes(state, before, parts)
    return {
        code: outcomes.of(product)
        for code, product in state.catalogue.products.items()
        if state.is_wanted(product.product.line) and code not in excluded
    }


def mark_bindable(
    catalogue: CompiledCatalogue, outcomes: dict[str, ProductOutcome], needed: Needed
) -> dict[str, ProductOutcome]:  # fmt: skip
    """Return ``outcomes`` with ``bindable`` set: an eligible product of a bindable rate that has its premium, once
    nothing is needed to quote. Until then a premium is an estimate.
    """
    marked = {}
    for code, outcome in outcomes.items():
        bindable = (
            not needed.quote
            and outcome.outcome == "eligible"
            and outcome.premium is not None
            and catalogue.products[code].product.rate_type == "bindable"
        )
        marked[code] = outcome if outcome.bindable is bindable else replace(outcome, bindable=bindable)
    return marked


class _Outcomes:
    """The outcomes of products, each decided at most once."""

    def __init__(
        self, state: State, before: Mapping[str, ProductOutcome], parts: Mapping[str, Collection[int]]
    ) -> None:  # fmt: skip
        self._state = state
        self._before = before
        self._parts = parts
        self._decided: dict[str, ProductOutcome] = {}

    def of(self, product: CompiledProduct) -> ProductOutcome:
        code = product.product.code
        if code not in self._decided:
            # The outcome of an excluded rival still counts.
            rivals = [self.of(self._state.catalogue.products[rival]) for rival in product.rivals]
            declined = sum(rival.outcome == "decline" for rival in rivals)
            if product.is_surplus and not is_unlocked(self._state, product, declined):
                self._decided[code] = ProductOutcome("locked")
            else:
                self._decided[code] = self._unlocked(product, self._before.get(code))
        return self._decided[code]

    def _unlocked(self, product: CompiledProduct, before: ProductOutcome | None) -> ProductOutcome:
        if before is None or before.outcome == "locked":
            return decide_product(self._state, product)
        parts = self._parts.get(product.product.code)
        return redecide_product(self._state, product, before=before, parts=parts) if parts else before


class _Verdict:
    """The effects and reasons of one product's checks and rules, in their order."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.unknown: set[str] = set()
        self.adjusting: list[CompiledRule] = []
        self._effects: set[str] = set()

    @property
    def outcome(self) -> Outcome:
        if "decline" in self._effects:
            return "decline"
        if "unknown" in self._effects:
            return "need_info"
        return "refer" if "refer" in self._effects else "eligible"

    def add_checks(self, checks: Iterable[BaseCheck]) -> None:
        for check in checks:
            if check.declines is True:
                self.add("decline", Reason(check.id, check.text, "base"))
            elif check.declines is not False:
                self.unknown |= check.declines.paths
                self._effects.add("unknown")

    def add_rule(self, rule: CompiledRule, truth: Value) -> None:
        if truth is True:
            self.add(rule.rule.then, Reason(rule.rule.id, rule.rule.why, rule.rule.then))
            if rule.overrides:
                self.adjusting.append(rule)
        elif truth.__class__ is Unknown:
            self.unknown |= truth.paths
            self._effects.add("unknown")

    def add(self, effect: str, reason: Reason) -> None:
        self.reasons.append(reason)
        self._effects.add(effect)


def decide_product(state: State, product: CompiledProduct) -> ProductOutcome:
    """Return the outcome of a product that is not locked."""
    verdict = _Verdict()
    verdict.add_checks(base_checks(state, product))
    for rule in product.rules:
        truth = rule.when.evaluate(state.root)
        if truth is not False:
            verdict.add_rule(rule, truth)
    return _outcome(state, product, verdict, _price(state, product, verdict))


def redecide_product(
    state: State, product: CompiledProduct, *, before: ProductOutcome, parts: Collection[int]
) -> ProductOutcome:  # fmt: skip
    """Return the result of ``decide_product`` when only ``parts`` of the product (rules by place, ``CHECKS``,
    ``RATING``) may have changed since ``before``.

    An outcome names the rules that matched, but not the unknown ones next to a decline, nor the rule of a missing
    answer; in those cases the product is decided in full.
    """
    if before.outcome == "need_info" or not product.has_unique_reasons:
        return decide_product(state, product)
    verdict, earlier = _Verdict(), {reason.rule: reason for reason in before.reasons}
    if CHECKS in parts:
        verdict.add_checks(base_checks(state, product))
    else:
        for identity in product.check_ids:
            if identity in earlier:
                verdict.add("decline", earlier[identity])
    for place, rule in enumerate(product.rules):
        verdict.add_rule(rule, rule.when.evaluate(state.root) if place in parts else rule.rule.id in earlier)
    if before.outcome == "decline" and verdict.outcome != "decline":
        return decide_product(state, product)
    if RATING in parts or verdict.adjusting != [
        rule for rule in product.rules if rule.overrides and rule.rule.id in earlier
    ]:  # fmt: skip
        return _outcome(state, product, verdict, _price(state, product, verdict))
    price = _Price(before.premium, before.missing_for_price, before.adjustments)
    return _outcome(state, product, verdict, price)


def _price(state: State, product: CompiledProduct, verdict: _Verdict) -> _Price:
    rated = rate(state, product, verdict.adjusting)
    missing = tuple(sorted(rated.missing, key=state.key)) if product.is_rated else ()
    return _Price(rated.premium, missing, _adjustments(state, rated))


def _outcome(state: State, product: CompiledProduct, verdict: _Verdict, price: _Price) -> ProductOutcome:
    outcome = verdict.outcome
    missing = verdict.unknown if outcome == "need_info" else frozenset[str]()
    is_open = outcome in ("eligible", "refer", "need_info")
    return ProductOutcome(
        outcome=outcome,
        premium=price.premium if outcome in ("eligible", "refer") else None,
        reasons=tuple(verdict.reasons),
        missing=tuple(sorted(missing, key=state.key)),
        adjustments=price.adjustments,
        missing_for_price=tuple(path for path in price.missing if path not in missing) if is_open else (),
        priced_by_carrier=is_open and not product.is_rated,
    )


def base_checks(state: State, product: CompiledProduct) -> Iterator[BaseCheck]:
    """Yield the base checks of ``product`` that can decline."""
    yield from _base_checks(state, product, states=True, industry=True, tables=product.tables)


def is_open(state: State, gate: Gate) -> bool:
    """Return whether the carrier question behind ``gate`` is asked: the product is requested, not excluded, not locked
    and not declined.
    """
    if gate not in state.open_gates:
        product = gate.product.product
        state.open_gates[gate] = (
            state.is_wanted(product.line)
            and product.code not in state.document.forced_excluded_products
            and not _is_declined(state, gate)
            and (not gate.product.is_surplus or _is_unlocked_for(state, gate))
        )
    return state.open_gates[gate]


def _is_unlocked_for(state: State, gate: Gate) -> bool:
    """Return whether the surplus product of ``gate`` is open as far as the carrier question may know."""
    declined = sum(_is_declined(state, rival) for rival in gate.rivals)
    return declined == len(gate.rivals) or (gate.states and is_unlocked(state, gate.product, declined))


def _is_declined(state: State, gate: Gate) -> bool:
    if gate not in state.declined_gates:
        checks = _base_checks(state, gate.product, states=gate.states, industry=gate.industry, tables=gate.tables)
        state.declined_gates[gate] = any(check.declines is True for check in checks) or any(
            rule.when.evaluate(state.root) is True for rule in gate.rules
        )
    return state.declined_gates[gate]


def _adjustments(state: State, rated: Rated) -> tuple[Adjustment, ...]:
    adjustments = []
    for rule_id, override in rated.adjusted:
        answer = state.document.answers.get(override.code)
        asked = answer.mask if answer is not None and answer.sealed is not None else plain(state.root[override.slot])
        if asked != override.rated:
            tag = answer.tag if answer is not None else ""
            adjustments.append(Adjustment(override.code, asked, override.rated, rule_id, tag))
    return tuple(adjustments)


def _base_checks(
    state: State, product: CompiledProduct, *, states: bool, industry: bool, tables: Iterable[CompiledTable]
) -> Iterator[BaseCheck]:
    if states and product.states is not None:
        yield _state_check(state, product, product.states)
    if industry and product.product.industries is not None:
        code = product.line.industry.evaluate(state.root)
        fails = code if code.__class__ is Unknown else code is None or not code.startswith(product.product.industries)
        yield BaseCheck(
            CLASS_CHECK, fails, f"Not offered for industry {code}." if code else "Not offered without an industry code."
        )
    for table in tables:
        if table.table.reason:
            yield _table_check(state, table)


def _state_check(state: State, product: CompiledProduct, offered: frozenset[str]) -> BaseCheck:
    concerned = product.line.states.evaluate(state.root)
    if concerned.__class__ is Unknown:
        return BaseCheck(STATE_CHECK, concerned, "")
    outside = sorted({item for item in concerned or () if isinstance(item, str) and item not in offered})
    fails = any_of(_is_outside(item, offered) for item in concerned or ())
    return BaseCheck(STATE_CHECK, fails, f"Not offered in {', '.join(outside)}.")


def _is_outside(item: Value, offered: frozenset[str]) -> Value:
    if item is None or item.__class__ is Unknown:
        return item
    if item.__class__ is Maybe:
        return all_of((item.unknown, _is_outside(item.element, offered)))
    return item not in offered


def _table_check(state: State, table: CompiledTable) -> BaseCheck:
    missing = state.missing_rows(table.table.pool)
    if missing:
        return BaseCheck(table.table.reason, missing, "")
    codes = [table.rate_by.evaluate(state.root, row) for row in state.visible_rows(table.table.pool)]
    fails = any_of(code if code is None or code.__class__ is Unknown else code not in table.rates for code in codes)
    without = sorted({code for code in codes if isinstance(code, str) and code not in table.rates})
    return BaseCheck(table.table.reason, fails, f"No rate for {', '.join(without)}.")
