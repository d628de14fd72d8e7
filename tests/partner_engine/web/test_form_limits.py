"""Forms and files beyond the limits: the product's own page, which names the remedy, on every page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from tenants.models import User
from tests.harness.page_client import StartForm, markup

pytestmark = pytest.mark.django_db

REMEDIES = {
    "fields": "more than 1,000 entries. Go back, choose fewer",
    "files": "too many files. Go back and send one at a time",
    "text": "too large. Go back and send a smaller one",
}


@pytest.fixture
def agent(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("csrf", [True, False])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"order": "accept", "pick": ["a b"] * 1_000}, "fields"),
        ({"order": "accept", "pick": "x" * (2 * 1024 * 1024 + 1)}, "text"),
        ({f"file{number}": SimpleUploadedFile("a", b"x") for number in range(101)}, "files"),
    ],
    ids=["fields", "text", "files"],
)
def test_too_much_gets_the_page_with_the_remedy(  # noqa: PLR0913 - the cases and what they need
    start_form: StartForm,
    owner: User,
    sign_in: Callable[[User], Client],
    settings: Settings,
    body: dict[str, object],
    kind: str,
    csrf: bool,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    browser = sign_in(owner)
    browser.handler.enforce_csrf_checks = csrf
    copy_id = start_form()

    for path in (f"/forms/{copy_id}/proposed/settle", "/sign-in", f"/guest/{copy_id}/answers", "/account/order"):
        response = browser.post(path, body)

        page = markup(response)
        assert (response.status_code, response["Content-Type"]) == (413, "text/html; charset=utf-8"), path
        assert "Nothing was changed." in page and REMEDIES[kind] in page and "Reference:" in page


def test_as_many_as_are_allowed_are_read(agent: Client, start_form: StartForm) -> None:
    response = agent.post(
        f"/forms/{start_form()}/proposed/settle", {"order": "accept", "pick": ["mqs_email x"] * 999}
    )  # fmt: skip

    assert (response.status_code, "Choose at most 900" in markup(response)) == (422, True)


def test_programs_get_problems(client: Client) -> None:
    response = client.post("/o/token/", {str(number): "x" for number in range(1_001)})

    assert response.status_code in (400, 401, 413)
    assert "text/html" not in response["Content-Type"]
