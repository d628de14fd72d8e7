"""The tabs of a form's copies: names, amounts, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from partner_engine.web.pages.shell import base_of, build_tabs
from presentation.best_premiums import best_products
from tests.harness.edit_scripts import demo_catalogue

BASE = {"QM-BOP": 2451, "LF-BOP": 2565, "TT-WC": 5019, "LF-WC": 5978}


def summary(premiums: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"outcomes": dict.fromkeys(premiums, "eligible"), "premiums": premiums, "needed": 0, **more}


@dataclass
class Listed:
    """A copy as a list has it."""

    id: UUID
    title: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    is_base: bool = False
    locked_at: datetime | None = None
    deleted_at: datetime | None = None


BASE_COPY = Listed(UUID(int=1), summary=summary(BASE), is_base=True)


def amounts(*others: Listed) -> list[tuple[str, str, str]]:
    tabs = build_tabs(demo_catalogue(), [BASE_COPY, *others], current=str(BASE_COPY.id))
    return [(tab.title, tab.amount, tab.trouble) for tab in tabs]


def test_best_products_are_the_cheapest_eligible_ones_of_each_line() -> None:
    outcomes = {"QM-BOP": "refer", "LF-BOP": "eligible", "TT-WC": "decline", "LF-WC": "refer"}

    assert best_products(demo_catalogue(), {"outcomes": outcomes, "premiums": BASE}) == {"LF-BOP": 2565, "LF-WC": 5978}


@pytest.mark.parametrize(
    ("changed", "amount", "trouble"),
    [
        (summary(BASE), "", ""),
        (summary({**BASE, "QM-BOP": 2553}), "+$102", ""),
        (summary({**BASE, "TT-WC": 5000}), "−$19", ""),
        ({"outcomes": {**dict.fromkeys(BASE, "eligible"), "QM-BOP": "decline"}, "premiums": BASE}, "", "1 declined"),
        (summary({"LF-BOP": 2565}, needed=3), "", "3 needed"),
    ],
)
def test_a_copy_shows_what_the_bases_products_cost_more_in_it(
    changed: dict[str, Any], amount: str, trouble: str
) -> None:
    copy = Listed(UUID(int=2), "Plan B", changed)

    assert amounts(copy) == [("Base", "$7,470", ""), ("Plan B", amount, trouble)]


def test_copies_without_a_name_have_a_number() -> None:
    assert [title for title, _, _ in amounts(Listed(UUID(int=2)), Listed(UUID(int=3), "x"))] == ["Base", "Copy 2", "x"]


def test_the_name_of_the_insured_does_not_name_the_base() -> None:
    base = Listed(UUID(int=1), "Copper Kettle", {"insured": "Copper Kettle"}, is_base=True)

    assert build_tabs(demo_catalogue(), [base], current="")[0].title == "Base"


def test_without_a_mark_the_first_copy_is_the_base() -> None:
    first, second = Listed(UUID(int=1)), Listed(UUID(int=2))

    assert base_of([first, second]) is first
    assert base_of([first, Listed(UUID(int=3), is_base=True)]).id == UUID(int=3)  # type: ignore[union-attr]
    assert base_of([]) is None
