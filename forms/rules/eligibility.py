"""Decides on products: base checks and appetite rules with three truth values, the surplus lock, and the gates of
carrier questions. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from forms.rules.compiled import CompiledProduct, CompiledRule, CompiledTable, Gate
from forms.rules.evaluation import Adjustment, Outcome, ProductOutcome, Reason
from forms.rules.premium import Rated, rate
from forms.rules.state import State
from forms.rules.truth import Maybe, Unknown, Value, all_of, any_of
from forms.rules.values import plain

_NOTHING_KNOWN: Final[Mapping[str, ProductOutcome]] = MappingProxyType({})


class BaseCheck(NamedTuple):
    """A base check: the id of its reason, whether it declines (True, False or Unknown), and what it says then."""

    id: str
    declines: Value
    text: str


def decide_products(
    state: State, *, known: Mapping[str, ProductOutcome] = _NOTHING_KNOWN
) -> dict[str, ProductOutcome]:  # fmt: skip
    """Return the outcome of every product whose line is wanted, in the order of the catalogue; those excluded by
    force are left out.

    ``known`` are outcomes that hold as they are, but that a surplus product may be locked or unlocked.
    """
    excluded = set(state.document.forced_excluded_products)
    outcomes = _Outcomes(state, known)
    return {
        code: outcomes.of(product)
        for code, product in state.catalogue.products.items()
        if state.is_wanted(product.product.line) and code not in excluded
    }


class _Outcomes:
    """The outcomes of products, each decided once and only where it is asked for."""

    def __init__(self, state: State, known: Mapping[str, ProductOutcome]) -> None:
        self._state = state
        self._known = known
        self._decided: dict[str, ProductOutcome] = {}

    def of(self, product: CompiledProduct) -> ProductOutcome:
        code = product.product.code
        if code not in self._decided:
            # An excluded rival still says whether it declines.
            rivals = (self.of(self._state.catalogue.products[rival]) for rival in product.rivals)
            if product.is_surplus and any(rival.outcome != "decline" for rival in rivals):
                self._decided[code] = ProductOutcome("locked")
            elif code in self._known and self._known[code].outcome != "locked":
                self._decided[code] = self._known[code]
            else:
                self._decided[code] = decide_product(self._state, product)
        return self._decided[code]


def decide_product(state: State, product: CompiledProduct) -> ProductOutcome:
    """Return the outcome of one product that is not locked."""
    reasons: list[Reason] = []
    unknown: set[str] = set()
    effects: set[str] = set()
    adjusting: list[CompiledRule] = []
    for check in base_checks(state, product):
        if check.declines is True:
            reasons.append(Reason(check.id, check.text))
            effects.add("decline")
        elif check.declines is not False:
            unknown |= check.declines.paths
    for rule in product.rules:
        truth = rule.when.evaluate(state.root)
        if truth is True:
            reasons.append(Reason(rule.rule.id, rule.rule.why))
            effects.add(rule.rule.then)
            if rule.overrides:
                adjusting.append(rule)
        elif truth.__class__ is Unknown:
            unknown |= truth.paths
            effects.add("unknown")
    if unknown:
        effects.add("unknown")
    outcome = _outcome(effects)
    rated = rate(state, product, adjusting)
    return ProductOutcome(
        outcome=outcome,
        premium=rated.premium if outcome in ("eligible", "refer") else None,
        bindable=outcome == "eligible" and product.product.rate_type == "bindable",
        reasons=tuple(reasons),
        missing=tuple(sorted(unknown, key=state.key)) if outcome == "need_info" else (),
        adjustments=_adjustments(state, rated),
    )


def base_checks(state: State, product: CompiledProduct) -> Iterator[BaseCheck]:
    """Yield the base checks of ``product`` that can decline at all."""
    yield from _base_checks(state, product, states=True, industry=True, tables=product.tables)


def is_open(state: State, gate: Gate) -> bool:
    """Tell whether a carrier question is asked for the product of ``gate``: wanted, not excluded, neither locked nor
    declined.
    """
    if gate not in state.open_gates:
        product = gate.product.product
        state.open_gates[gate] = (
            state.is_wanted(product.line)
            and product.code not in state.document.forced_excluded_products
            and not _is_declined(state, gate)
            and (not gate.product.is_surplus or all(_is_declined(state, rival) for rival in gate.rivals))
        )
    return state.open_gates[gate]


def _is_declined(state: State, gate: Gate) -> bool:
    if gate not in state.declined_gates:
        checks = _base_checks(state, gate.product, states=gate.states, industry=gate.industry, tables=gate.tables)
        state.declined_gates[gate] = any(check.declines is True for check in checks) or any(
            rule.when.evaluate(state.root) is True for rule in gate.rules
        )
    return state.declined_gates[gate]


def _outcome(effects: set[str]) -> Outcome:
    if "decline" in effects:
        return "decline"
    if "unknown" in effects:
        return "need_info"
    return "refer" if "refer" in effects else "eligible"


def _adjustments(state: State, rated: Rated) -> tuple[Adjustment, ...]:
    adjustments = []
    for rule_id, override in rated.adjusted:
        answer = state.document.answers.get(override.code)
        asked = answer.mask if answer is not None and answer.sealed is not None else plain(state.root[override.slot])
        if asked != override.rated:
            adjustments.append(Adjustment(override.code, asked, override.rated, rule_id))
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
            "class", fails, f"Not offered for industry {code}." if code else "Not offered without an industry code."
        )
    for table in tables:
        if table.table.reason:
            yield _table_check(state, table)


def _state_check(state: State, product: CompiledProduct, offered: frozenset[str]) -> BaseCheck:
    concerned = product.line.states.evaluate(state.root)
    if concerned.__class__ is Unknown:
        return BaseCheck("state", concerned, "")
    outside = sorted({item for item in concerned or () if isinstance(item, str) and item not in offered})
    fails = any_of(_is_outside(item, offered) for item in concerned or ())
    return BaseCheck("state", fails, f"Not offered in {', '.join(outside)}.")


def _is_outside(item: Value, offered: frozenset[str]) -> Value:
    if item is None or item.__class__ is Unknown:
        return item
    if item.__class__ is Maybe:
        return all_of((item.unknown, _is_outside(item.element, offered)))
    return item not in offered


def _table_check(state: State, table: CompiledTable) -> BaseCheck:
    codes = [table.rate_by.evaluate(state.root, row) for row in state.visible_rows(table.table.pool)]
    fails = any_of(code if code is None or code.__class__ is Unknown else code not in table.rates for code in codes)
    without = sorted({code for code in codes if isinstance(code, str) and code not in table.rates})
    return BaseCheck(table.table.reason, fails, f"No rate for {', '.join(without)}.")
