"""All questions of a form: what hides one, what would show it, and who needs its answer."""

from __future__ import annotations

import re
from collections.abc import Callable

from catalogue.demo import read_samples
from tests.harness.page_client import Page, StartForm, markup

Open = Callable[[str], Page]
S1 = next(sample for sample in read_samples() if sample.id == "S1")


def text_of(page: Page, query: str = "") -> str:
    response = page.client.get(f"/forms/{page.copy_id}/questions", {"q": query})
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup(response)))


def test_a_hidden_question_says_what_would_show_it(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    text = text_of(page, "personal records")

    assert (
        "Personal records held Hidden Hidden because “Coverage wanted” is Business owners, Workers compensation; "
        "shown when “Coverage wanted” includes Cyber." in text
    )
    assert "Verdant Cyber" in text or "Who needs this" in text


def test_an_asked_question_leads_to_its_place_and_names_its_readers(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    response = page.client.get(f"/forms/{page.copy_id}/questions", {"q": "sales from alcohol"})

    assert f'href="/forms/{page.copy_id}#f-mqs_gl_liquor_pct"' in response.content.decode()
    assert "Quillmark Mutual Business owners (rules)" in text_of(page, "sales from alcohol")


def test_a_code_in_a_reason_has_its_title(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    assert (
        "Any roofing work? Hidden Hidden because “Type of business” is 722511 · Full-Service Restaurants; "
        "shown when “Type of business” is in 23 (Construction)." in text_of(page, "roofing")
    )


def test_every_question_is_listed_without_codes(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    text = text_of(page)

    assert "Federal tax ID (FEIN)" in text
    assert re.findall(r"\bmqs_\w+|\bd_[a-z]\w+|&amp;&amp;|==", text) == []


def test_the_page_for_the_customer_has_products_and_answers_as_text(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))

    response = page.client.get(f"/forms/{page.copy_id}/print")

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup(response)))
    assert "Insurance application of Copper Kettle Bistro LLC" in text
    assert "Business owners Quillmark Mutual Eligible $2,451" in text
    assert "Percent of sales from alcohol 22%" in text
    assert "Type of business 722511 · Full-Service Restaurants" in text
    assert "<input" not in response.content.decode().partition('class="card printed"')[2]


def test_the_menu_of_a_question_says_why_since_when_and_for_whom(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form(S1.answers, S1.answer_pools, as_of=S1.as_of))
    page.answer({"mqs_lobs": ["bop", "cyber"]})
    address = f"/forms/{page.copy_id}/questions/why"

    content = page.client.get(address, {"path": "mqs_cy_records"})

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup(content)))
    assert "Asked because “Coverage wanted” includes Cyber." in text
    assert "(version 2), when Ona Owner answered “Coverage wanted”." in text
    assert "Coverage wanted Business owners, Cyber" in text
    assert re.search(r"Who needs this Needed to quote\. [\w ]+ Cyber \([a-z ]+\)", text)
    assert f"/forms/{page.copy_id}/questions?q=Personal+records+held+Cyber#q-mqs_cy_records" in content.content.decode()
    for unknown in ("nothing", "locations/x/mqs_loc_zip", ""):
        assert page.client.get(address, {"path": unknown}).status_code == 404
