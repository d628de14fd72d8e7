"""The versions of a copy."""

from __future__ import annotations

from collections.abc import Callable

from catalogue.releases import forget_compiled_releases
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.page_client import Page, StartForm, markup


def test_history_shows_authors_and_changes_and_masks_sensitive_answers(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    page = open_page(start_form({"mqs_legal_entity": "llc", "mqs_annual_revenue": 1000}))
    page.answer({"mqs_annual_revenue": "2,000", "mqs_fein": "00-0000001"})

    content = markup(page.client.get(f"/forms/{page.copy_id}/history"))

    assert (
        '<del><span class="unseen">was </span>$1,000</del> <ins><span class="unseen">now </span>$2,000</ins>' in content
    )
    assert "Ona Owner" in content
    assert "•••" in content
    assert "000000001" not in content
    assert "00-0000001" not in content


def test_history_pages(start_form: StartForm, open_page: Callable[[str], Page]) -> None:
    page = open_page(start_form())
    for number in range(21):
        page.answer({"mqs_mail_city": f"Town {number}"})

    first = page.client.get(f"/forms/{page.copy_id}/history").content.decode()
    second = page.client.get(f"/forms/{page.copy_id}/history", {"before": "3"}).content.decode()

    assert "?before=3" in first
    assert "<b>2</b>" in second
    assert "<b>3</b>" not in second


def test_history_hides_an_answer_whose_question_became_secret_later(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    forget_compiled_releases()
    publish_release(KENNELS)
    page = open_page(start_form({**ANSWERS, "owner_phone": "(614) 201-3344"}, catalogue="kennels"))
    assert "(614) 201-3344" in page.client.get(f"/forms/{page.copy_id}/history").content.decode()

    publish_release(with_sensitivity(owner_phone="spi"))

    content = page.client.get(f"/forms/{page.copy_id}/history").content.decode()
    assert "201-3344" not in content
    assert "Phone" in content
    assert "••••" in content
