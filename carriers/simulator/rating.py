"""Premiums and appetite of a product over the fields of ``risk``, by exact arithmetic. Pure.

A missing field counts as zero in a sum and meets no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor
from typing import Any, Final, Literal

from carriers.simulator.declarations import Condition, Product, Table
from carriers.simulator.wire import Change, Reason

Risk = Mapping[str, Any]
_HALF: Final = Fraction(1, 2)


class UnusableField(ValueError):
    """A field of the risk has another kind of value than the product rates."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The field {field} cannot be rated.")
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Rated:
    """The result for one risk: ``premium`` is in whole dollars."""

    outcome: Literal["quoted", "referred", "declined"]
    premium: int
    reasons: tuple[Reason, ...] = ()
    changes: tuple[Change, ...] = ()


def rate(product: Product, risk: Risk) -> Rated:
    """Return outcome, premium, reasons and changed values. Raises ``UnusableField``."""
    offered, changes = dict(risk), []
    for adjustment in product.adjustments:
        if is_met(adjustment.when, offered):
            before = offered.get(adjustment.field)
            offered[adjustment.field] = adjustment.offered
            changes.append(
                Change(field=adjustment.field, asked=before, offered=adjustment.offered, reason=adjustment.text)
            )
    matched = [
        (rule.then, Reason(code=rule.id, text=rule.text)) for rule in product.appetite if is_met(rule.when, risk)
    ]
    declined = [*_outside(product, risk), *(reason for then, reason in matched if then == "decline")]
    referred = [reason for then, reason in matched if then == "refer"]
    return Rated(
        outcome="declined" if declined else "referred" if referred else "quoted",
        premium=premium_of(product, offered),
        reasons=tuple(declined or referred),
        changes=tuple(changes),
    )


def premium_of(product: Product, risk: Risk) -> int:
    """Return the yearly premium in whole dollars, rounded half up, and at least the minimum. Raises
    ``UnusableField``.
    """
    total = sum(
        (Fraction(term.rate) / Fraction(term.per) * number(risk, term.of) for term in product.terms), Fraction()
    )
    total += sum((_sum_of(table, risk) for table in product.tables), Fraction())
    for factor in product.factors:
        if is_met(factor.when, risk):
            total *= Fraction(factor.times)
    return floor(max(total, Fraction(product.minimum)) + _HALF)


def number(risk: Risk, field: str) -> Fraction:
    """Return the number in ``field``, zero where it is missing. Raises ``UnusableField``."""
    value = risk.get(field)
    if value is None:
        return Fraction()
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise UnusableField(field)
    try:
        return Fraction(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        raise UnusableField(field) from None


def is_met(condition: Condition, risk: Risk) -> bool:
    """Return whether all fields of ``condition`` match. Raises ``UnusableField``."""
    return all(_matches(expected, risk, field) for field, expected in condition.items())


def _matches(expected: Any, risk: Risk, field: str) -> bool:
    value = risk.get(field)
    if value is None:
        return False
    if isinstance(expected, dict):
        return all(_compares(kind, limit, risk, field) for kind, limit in expected.items())
    return value in expected if isinstance(expected, list) else bool(value == expected)


def _compares(kind: str, limit: Any, risk: Risk, field: str) -> bool:
    match kind:
        case "any":
            return any(is_met(limit, row) for row in _rows(risk, field))
        case "all":
            return all(is_met(limit, row) for row in _rows(risk, field))
        case "starts_with":
            return str(risk[field]).startswith(tuple(limit))
        case "over":
            return number(risk, field) > Fraction(str(limit))
        case "at_least":
            return number(risk, field) >= Fraction(str(limit))
        case "under":
            return number(risk, field) < Fraction(str(limit))
    raise ValueError(f"unknown comparison {kind}")


def _rows(risk: Risk, field: str) -> Iterator[Risk]:
    rows = risk.get(field) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnusableField(field)
    yield from rows


def _sum_of(table: Table, risk: Risk) -> Fraction:
    total = Fraction()
    for row in _rows(risk, table.rows):
        amount = number(row, table.amount) / Fraction(table.per) if table.amount else Fraction(1)
        total += Fraction(table.rates.get(str(row.get(table.by)), Decimal())) * amount
    # A missing multiplier leaves the sum as it is.
    return total * number(risk, table.times) if table.times and risk.get(table.times) is not None else total


def _outside(product: Product, risk: Risk) -> Iterator[Reason]:
    """Yield the reasons why the product is not sold for this risk at all."""
    states = risk.get("states") or []
    if product.states and any(state not in product.states for state in states):
        yield Reason(code="state", text="The product is not sold in every state of the risk.")
    industry = str(risk.get("naics") or "")
    if product.industries and industry and not industry.startswith(product.industries):
        yield Reason(code="class", text="The industry is outside of the appetite.")
    for table in product.tables:
        if any(
            row.get(table.by) is not None and str(row[table.by]) not in table.rates for row in _rows(risk, table.rows)
        ):
            yield Reason(code="table", text="There is no rate for a class of the risk.")
