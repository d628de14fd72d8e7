"""The grid of quotes: rows by line, what can be ordered, the best per line, and what a foot needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string

from partner_engine.web.pages.quote_facts import QuoteFacts, shown_requests
from partner_engine.web.pages.quote_foot import build_foot
from partner_engine.web.pages.quote_grid import GridSource, QuoteGrid, build_grid
from partner_engine.web.pages.quote_rows import QuoteRowView, RowSource
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.flow.evaluation import Evaluation, Needed, ProductOutcome, Reason
from tests.harness.boarding_catalogue import ANSWERS, boarding, document

CATALOGUE = boarding()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COPY = "01935ad0-0000-7000-8000-000000000001"
OPEN = ProductOutcome("eligible", premium=2553, bindable=True)
DECLINED = ProductOutcome("decline", reasons=(Reason("R1", "Roof too old"),))


@dataclass(frozen=True)
class Closed:
    """A gate of a test."""

    code: str
    text: str


def quote(state: str, *, product: str = "PAW-CARE", number: int = 1, **values: Any) -> QuoteFacts:
    made = NOW - timedelta(minutes=10 - number)
    return QuoteFacts(
        id=f"01935ad0-0000-7000-8000-00000000001{number}",
        copy_id=values.pop("copy_id", COPY),
        product=product,
        carrier=product.split("-")[0],
        state=state,
        created_at=made,
        updated_at=made,
        **values,
    )


def reading(*outcomes: ProductOutcome, quotes: tuple[QuoteFacts, ...] = (), **values: Any) -> Reading:
    evaluation = Evaluation(
        release=1,
        as_of=date(2026, 6, 1),
        eligibility=dict(zip(("PAW-CARE", "FIN-CARE"), outcomes, strict=False)),
        needed=Needed(values.pop("needed", ())),
    )
    return Reading(
        facts=CopyFacts(COPY, COPY, "", 3, NOW, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), NOW, may_write=values.pop("may_write", True)),
        catalogue=CATALOGUE,
        document=document(ANSWERS),
        evaluation=evaluation,
        quotes=quotes,
        **values,
    )


def grid(found: Reading, *, all_copies: bool = False, **values: Any) -> QuoteGrid:
    rows = RowSource(catalogue=CATALOGUE, clock=Clock(ZoneInfo("UTC"), NOW), may_write=found.is_writable, **values)
    return build_grid(GridSource(reading=found, rows=rows, requests=found.quotes, all_copies=all_copies))


def only_row(found: Reading) -> QuoteRowView:
    [group] = grid(found).groups
    [row] = group.rows
    return row


FIRM = {"premium": 2451, "is_bindable": True, "indication": 2451, "valid_until": date(2026, 6, 28)}


@pytest.mark.parametrize(
    ("state", "values", "premium", "difference", "order", "actions"),
    [
        ("quoted", FIRM, ("$2,451", "firm"), ("same", "same"), "ask-again", ("bind",)),
        ("quoted", FIRM | {"premium": 2460}, ("$2,460", "firm"), ("+$9", "more"), "ask-again", ("bind",)),
        (
            "quoted",
            FIRM | {"premium": 1841, "changes": ({"field": "limit", "asked": "1M", "offered": "500k"},)},
            ("$1,841", "firm"),
            ("−$610", "less"),  # noqa: RUF001 - a minus sign
            "ask-again",
            ("details",),
        ),
        ("quoted", FIRM | {"is_bindable": False}, ("$2,451", "open"), ("same", "same"), "ask-again", ("details",)),
        ("stale", FIRM, ("$2,451", "gone"), ("", ""), "ask-again", ("ask-again",)),
        ("expired", FIRM, ("$2,451", "gone"), ("", ""), "ask-again", ("ask-again",)),
        ("failed", {}, ("", ""), ("", ""), "ask-again", ("ask-again",)),
        ("submitted", {}, ("", ""), ("", ""), "", ("withdraw",)),
        ("declined", {}, ("", ""), ("", ""), "ask-again", ("details",)),
        ("selected", FIRM, ("$2,451", "firm"), ("same", "same"), "", ("bind",)),
        ("bound", FIRM, ("$2,451", "firm"), ("same", "same"), "", ("details",)),
        ("draft", {}, ("", ""), ("", ""), "request", ("request",)),
    ],
)
def test_a_row_has_its_premium_and_its_orders(  # noqa: PLR0913 - one row of the table
    state: str,
    values: dict[str, Any],
    premium: tuple[str, str],
    difference: tuple[str, str],
    order: str,
    actions: tuple[str, ...],
) -> None:
    row = only_row(reading(OPEN, quotes=(quote(state, **values),)))

    assert (row.premium, row.premium_kind) == premium
    assert (row.difference, row.difference_tone) == difference
    assert (row.order, row.actions) == (order, actions)


def test_a_reader_without_the_right_to_write_orders_nothing() -> None:
    row = only_row(reading(OPEN, quotes=(quote("stale", **FIRM),), may_write=False))

    assert (row.order, row.actions) == ("", ("details",))


def test_a_manual_carrier_is_answered_by_hand() -> None:
    row = only_row(reading(quotes=(quote("submitted", product="FIN-CARE"),)))

    assert row.actions == ("enter",)
    assert row.state.detail == "answered by an underwriter"


def test_what_a_manual_carrier_quoted_can_be_read_again() -> None:
    row = only_row(reading(quotes=(quote("quoted", product="FIN-CARE", premium=900),)))

    assert row.actions == ("details",)


@pytest.mark.parametrize(
    ("outcome", "gate", "word", "note", "detail", "order"),
    [
        (OPEN, None, "Open", "not requested yet", "", "request"),
        (OPEN, Closed("not_appointed", "Not appointed with Paw"), "Not appointed", "", "Not appointed with Paw", ""),
        (DECLINED, None, "Declined", "by our rules, no call made", "Roof too old", ""),
        (ProductOutcome("need_info", missing=("income",)), None, "Needs 1 answer", "", "", ""),
        (ProductOutcome("refer"), None, "Open", "the carrier will look at it", "", "request"),
    ],
)
def test_a_product_without_a_request_says_why(  # noqa: PLR0913 - one row of the table
    outcome: ProductOutcome, gate: Closed | None, word: str, note: str, detail: str, order: str
) -> None:
    gates = {"PAW-CARE": gate} if gate else {}
    row = only_row(reading(outcome, load_gates=lambda: gates))

    assert (row.state.word, row.state.note, row.state.detail, row.order) == (word, note, detail, order)


def test_a_locked_product_names_whose_declines_open_it() -> None:
    [group] = grid(reading(OPEN, ProductOutcome("locked"))).groups

    assert group.title == "Care"
    assert [(row.carrier, row.state.word) for row in group.rows] == [
        ("Paw Mutual", "Open"),
        ("Fin Specialty", "Locked"),
    ]
    assert group.rows[1].state.detail == "opens if Paw Mutual declines"


def test_the_head_counts_and_the_foot_sums() -> None:
    quotes = (quote("quoted", **FIRM), quote("submitted", product="FIN-CARE", number=2))
    shown = grid(reading(OPEN, OPEN, quotes=quotes))

    assert (shown.counts, shown.best, shown.best_kind) == ("1 answered · 1 running", "$2,451", "bindable")
    assert (shown.open_products, shown.again, shown.offers) == ((), (), 1)


def test_the_best_of_a_line_is_bindable_before_it_is_cheap() -> None:
    cheap = quote("quoted", premium=100, product="FIN-CARE", number=2)

    assert grid(reading(OPEN, OPEN, quotes=(quote("quoted", **FIRM), cheap))).best == "$2,451"
    assert grid(reading(OPEN, OPEN, quotes=(cheap,))).best_kind == "partly indications"


def test_stale_quotes_are_asked_again_and_only_those_of_this_copy() -> None:
    other = quote("stale", copy_id="01935ad0-0000-7000-8000-000000000002", number=2, **FIRM)
    shown = grid(reading(OPEN, quotes=(quote("stale", **FIRM), other)), all_copies=True)

    assert shown.again == (quote("stale").id,)
    assert shown.best == ""


def test_nothing_is_requested_while_answers_are_missing() -> None:
    shown = grid(reading(OPEN, needed=("income", "opened")))

    assert (shown.can_request, shown.missing_count) == (False, 2)
    assert [link.text for link in shown.missing] == ["Income", "Opened"]


def test_a_withdrawn_request_is_shown_only_as_the_last_of_its_product() -> None:
    first, second = quote("withdrawn"), quote("quoted", number=2, **FIRM)

    assert shown_requests((first, second)) == (second,)
    assert shown_requests((first,)) == (first,)


@pytest.mark.parametrize(
    ("found", "products", "missing"),
    [
        (reading(OPEN, DECLINED), ("PAW-CARE",), ""),
        (reading(OPEN, needed=("income",)), (), "1 answer missing to request quotes"),
        (reading(DECLINED), (), "No product is open"),
        (
            reading(OPEN, load_gates=lambda: {"PAW-CARE": Closed("not_licensed", "No license")}),
            (),
            "No open product can be placed by your agency",
        ),
        (reading(OPEN, quotes=(quote("submitted"),)), (), ""),
        (reading(), (), ""),
    ],
)
def test_the_foot_says_what_can_be_requested_or_what_is_missing(
    found: Reading, products: tuple[str, ...], missing: str
) -> None:
    foot = build_foot(found)

    assert (foot.products, foot.missing) == (products, missing)


def test_a_card_shows_the_state_of_its_quote() -> None:
    card = build_foot(reading(OPEN, quotes=(quote("stale", reason="income changed", **FIRM),))).quotes["PAW-CARE"]

    assert (card.state.word, card.premium, card.is_gone) == ("Stale", "$2,451", True)


def test_the_rows_are_printed_with_struck_and_bold_premiums() -> None:
    stale = only_row(reading(OPEN, quotes=(quote("stale", reason="income changed", **FIRM),)))
    html = render_to_string("web/parts/quote_row.html", {"row": stale})

    assert '<s><span class="unseen">no longer valid:</span>$2,451</s>' in html
    assert "income changed" in html
    assert 'data-pick="ask-again"' in html


def test_no_two_elements_of_a_row_have_the_same_id() -> None:
    row = only_row(reading(OPEN, quotes=(quote("quoted", **FIRM | {"is_bindable": False}),)))
    html = render_to_string("web/parts/quote_row.html", {"row": row})
    ids = re.findall(r'\sid="([^"]+)"', html)

    assert "Details" in html
    assert sorted(set(ids)) == sorted(ids)
