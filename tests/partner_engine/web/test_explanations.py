"""*Why* on the form page: the way back first, who still has to decline, and the premium as a table."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from catalogue.demo import read_samples
from tests.harness.page_client import Page, StartForm

Open = Callable[[str], Page]
S1 = next(sample for sample in read_samples() if sample.id == "S1")


def text_of(page: Client, address: str) -> str:
    response = page.get(address)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_decline_begins_with_the_way_back_and_a_locked_product_names_who_is_left(
    start_form: StartForm, open_page: Open
) -> None:
    page = open_page(start_form(S1.answers | {"mqs_gl_liquor_pct": 35}, S1.answer_pools, as_of=S1.as_of))
    why = f"/forms/{page.copy_id}/why?target="

    declined, locked = text_of(page.client, f"{why}QM-BOP"), text_of(page.client, f"{why}OH-BOP")

    assert "Quillmark Mutual Business owners declines. Eligible again at 30% or less, now 35%." in declined
    assert "Matches while “Percent of sales from alcohol” is more than 30%" in declined
    assert "Quillmark Mutual Business owners has declined" in locked
    assert "Lanternfield Insurance Business owners is open and has not declined" in locked
    for text in (declined, locked):
        assert re.findall(r"mqs_\w+|d_[a-z]\w+|QB\d|QM-BOP|&amp;&amp;|\|\|", text) == []


def test_declined_products_get_their_way_back_after_the_page(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers | {"mqs_gl_liquor_pct": 35}, S1.answer_pools, as_of=S1.as_of))

    shown, loaded = page.show(), page.client.get(f"/forms/{page.copy_id}/ways-back").content.decode()

    assert 'id="way-back-QM-BOP"' in shown
    assert "Eligible again" not in shown
    assert re.findall(r'id="way-back-([\w-]+)" hx-swap-oob="innerHTML">(.*?)<', loaded) == [
        ("QM-BOP", "Eligible again at 30% or less, now 35%.")
    ]


def test_a_premium_is_a_table_that_ends_at_the_premium(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    text = text_of(page.client, f"/forms/{page.copy_id}/why?target=QM-BOP")

    assert "Total insured value $180,000 $4.20 per $1,000 +$756.00 $756.00" in text
    assert "+$0.35 $2,451.00 Premium a year $2,451" in text
    assert re.findall(r"mqs_\w+|d_[a-z]\w+|&amp;&amp;|\|\|", text) == []
