"""Texts that people write beside the answers: one guard against numbers of persons, one cleaning, at every entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from catalogue.demo import Sample
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db

Post = Callable[[Api, str, str], HttpResponse]

ENTRIES: dict[str, Post] = {
    "title of a new form": lambda api, copy, text: api.post("/application_forms", {"title": text}),
    "title of a new copy": lambda api, copy, text: api.post(f"/application_forms/{copy}/copies", {"title": text}),
    "title": lambda api, copy, text: api.patch(f"/copies/{copy}", {"title": text}),
    "message": lambda api, copy, text: api.post(f"/copies/{copy}/messages", {"text": text}),
    "event": lambda api, copy, text: api.post(
        f"/copies/{copy}/events", {"kind": "external_transfer", "details": {"to": text}}
    ),
    "guest": lambda api, copy, text: api.post(f"/copies/{copy}/guest_links", {"name": text}),
    "reason": lambda api, copy, text: api.post(
        f"/copies/{copy}/reveal", {"path": "mqs_fein", "purpose": "carrier", "reason": text}
    ),
}
SECRET_WORDS = ["Bistro 987\u201365\u20134321", "card 4111.1111.1111.1111", "FEIN 000000001", "987-\u200b65-4321"]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("text", [*SECRET_WORDS, "name \u202e txt.exe", "bell \x07 rings"])
def test_no_entry_takes_it(api: Api, s1: Sample, entry: str, text: str) -> None:
    copy = api.start(s1)

    response = ENTRIES[entry](api, copy["id"], text)

    assert response.status_code == 422, response.content
    problem = response.json()
    [fault] = problem["errors"]
    assert fault["code"] in ("sensitive_text_refused", "wrong_value")
    # Ids of the response can contain any digits.
    assert not any(digits in f"{problem['detail']} {fault}" for digits in ("4321", "1111", "000001"))
    assert api.get(f"/copies/{copy['id']}").json()["version"] == copy["version"]


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry not in ("message", "event")])
def test_one_line_is_one_line(api: Api, s1: Sample, entry: str) -> None:
    response = ENTRIES[entry](api, api.start(s1)["id"], "Copper\nBcc: x@example.com")

    assert response.status_code == 422, response.content


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("text", ["Policy 12-3456789", "Call 512-555-0134", "Café مطعم 小龍"])
def test_every_entry_takes_other_texts(api: Api, s1: Sample, entry: str, text: str) -> None:
    response = ENTRIES[entry](api, api.start(s1)["id"], text)

    assert response.status_code in (200, 201), response.content


def test_a_title_without_a_visible_sign_is_empty(api: Api) -> None:
    made: list[dict[str, Any]] = [
        api.post("/application_forms", {"title": title}).json() for title in ("   ", "\u200b", "\u2800")
    ]

    assert [copy["title"] for copy in made] == ["", "", ""]
