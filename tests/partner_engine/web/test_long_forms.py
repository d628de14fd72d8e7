"""The page of a form with two thousand questions: its sets are drawn when they are opened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import pytest
from django.http import HttpResponse

from tests.harness.long_catalogue import IN_EACH, SETS, store_long_release
from tests.harness.page_client import Page, StartForm, triggered_events

#: The most that the page of a long form takes, in bytes.
MOST_BYTES: Final = 300_000


@pytest.fixture
def long_page(start_form: StartForm, open_page: Callable[[str], Page]) -> Page:
    """Return the page of an empty form of the long catalogue."""
    store_long_release()
    return open_page(start_form(catalogue="long"))


def get(page: Page, part: str, values: dict[str, str], *, drawn: str = "part0") -> HttpResponse:
    headers = {"HX-Request": "true", "X-Copy-Version": str(page.version), "X-Open-Sets": drawn}
    return page.client.get(f"/forms/{page.copy_id}/{part}", values, headers=headers)  # type: ignore[return-value]


def test_the_page_draws_the_first_sets_and_names_the_others(long_page: Page) -> None:
    long_page.show()
    start = time.perf_counter()
    content = long_page.show()
    took = 1000 * (time.perf_counter() - start)
    print(f"{SETS * IN_EACH} questions: {len(content)} bytes, {took:.0f} ms")  # noqa: T201 - shown with -s

    assert len(content) < MOST_BYTES
    assert content.count("data-undrawn") == SETS - 1
    assert 'name="q0_5"' in content
    assert 'name="q1_5"' not in content
    assert content.count("40 questions") == SETS - 1
    assert content.count('data-set="part') == SETS


@pytest.mark.parametrize("values", [{"set": "part7"}, {"path": "q7_5"}])
def test_a_set_is_drawn_when_it_or_a_question_of_it_is_opened(long_page: Page, values: dict[str, str]) -> None:
    content = get(long_page, "row", values).content.decode()

    assert content.count("<section") == 1
    assert 'id="s-part7"' in content
    assert 'name="q7_39"' in content
    assert "data-undrawn" not in content


@pytest.mark.parametrize("values", [{"set": "nothing"}, {"path": "nothing"}, {}])
def test_an_unknown_set_is_not_found(long_page: Page, values: dict[str, str]) -> None:
    assert get(long_page, "row", values).status_code == 404


def test_changes_of_others_reach_drawn_sets_and_leave_the_others_closed(long_page: Page) -> None:
    long_page.answer({"q0_3": "Ada", "q7_3": "Ben", "q9_3": "Cy"})
    long_page.version = 1

    response = get(long_page, "parts", {}, drawn="part0,part7")

    content = response.content.decode()
    assert triggered_events(response)["copy-saved"]["version"] == 2
    assert 'value="Ada"' in content
    assert 'value="Ben"' in content
    assert 'value="Cy"' not in content
    assert 'data-open-set="part9"' in content


def test_a_form_that_becomes_long_keeps_what_is_drawn(long_page: Page) -> None:
    drawn = ",".join(f"part{number}" for number in range(SETS))
    long_page.version = 7  # a page that is behind gets everything

    content = get(long_page, "parts", {}, drawn=drawn).content.decode()

    assert "data-undrawn" not in content
    assert content.count("<section") >= SETS


def test_pages_without_scripts_for_sets_show_every_answer(long_page: Page) -> None:
    long_page.answer({"q0_3": "Ada", "q49_3": "Zoe"})
    long_page.answer({"q49_3": "Zed"})

    version = long_page.client.get(f"/forms/{long_page.copy_id}/history/2").content.decode()
    long_page.client.post(f"/forms/{long_page.copy_id}/delete")
    deleted = long_page.client.get(f"/forms/{long_page.copy_id}").content.decode()

    assert 'value="Zoe"' in version
    assert 'value="Zed"' in deleted
    for content in (version, deleted):
        assert 'value="Ada"' in content
        assert "data-undrawn" not in content
