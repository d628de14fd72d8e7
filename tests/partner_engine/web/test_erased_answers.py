"""An erased answer is marked until the question is answered anew: on the form, in print, in the API and in exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from django.test import Client

from batch import service as batch
from batch.key_erasure import erase_keys
from copies.models import Copy
from operations.export.content import EXPORT, of_copy, strictest_visibility
from operations.persons.identity import Person
from operations.persons.person_erasure import erase_person, plan_erasure
from operations.persons.search import find_forms
from presentation.formats import day
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import guest_of
from tests.harness.page_client import StartForm, markup

pytestmark = pytest.mark.django_db

EMAIL, FEIN = "rosalindquill@person.example", "48-1234567"
ACTOR = system_actor("person")


@pytest.fixture
def erased(start_form: StartForm, harbor: Tenant) -> str:
    """Return a form whose email was erased, at its second version."""
    copy_id = start_form({"mqs_email": EMAIL, "mqs_mail_state": "TX"})
    forms = find_forms(Person(email=EMAIL), tenant=harbor, actor=ACTOR)
    erase_person(
        Person(email=EMAIL), plan_erasure(forms, answers_only=True), tenant=harbor, actor=ACTOR
    )  # fmt: skip
    return copy_id


@pytest.fixture
def agent(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


def answer(api: Api, copy_id: str, code: str = "mqs_email", query: str = "") -> dict[str, Any]:
    shape: dict[str, Any] = api.get(f"/copies/{copy_id}{query}").json()["answers"][code]
    return shape


def test_the_api_marks_it_with_its_moment_in_every_version(api: Api, erased: str, harbor: Tenant) -> None:
    now, then = answer(api, erased), answer(api, erased, query="?at_version=1")

    assert (now["value"], now["erased"], now["sensitive"]) == (None, True, "pii")
    with use_tenant(harbor):
        saved_at = Copy.objects.get(pk=erased).updated_at
    assert datetime.fromisoformat(now["erased_at"]) == saved_at
    assert (then["value"], then["erased"], then["erased_at"]) == (None, True, now["erased_at"])
    assert not {"erased", "erased_at"} & answer(api, erased, "mqs_mail_state").keys()


@pytest.mark.parametrize("value", ["new@person.example", None])
def test_a_new_answer_takes_the_mark_away_and_a_cleared_one_does_not_bring_it_back(
    api: Api, erased: str, value: str | None
) -> None:
    if value is None:
        assert api.patch(f"/copies/{erased}/answers", {"answers": {"mqs_email": None}}).status_code == 200
        assert answer(api, erased)["erased"] is True
        return
    for given in (value, None):
        assert api.patch(f"/copies/{erased}/answers", {"answers": {"mqs_email": given}}).status_code == 200
        assert (answer(api, erased)["value"], "erased" in answer(api, erased)) == (given, False)


def test_the_form_says_so_to_agents_and_guests_and_shows_it_unanswered(
    agent: Client, erased: str, harbor: Tenant
) -> None:
    with use_tenant(harbor):
        saved_at = Copy.objects.get(pk=erased).updated_at
    erased_on = day(saved_at.astimezone(ZoneInfo(harbor.time_zone)).date())
    guest, _ = guest_of(harbor, erased)

    page = markup(agent.get(f"/forms/{erased}"))
    theirs = markup(guest.get(f"/guest/{erased}/form", headers={"Accept-Language": "en"}))
    spanish = markup(guest.get(f"/guest/{erased}/form", headers={"Accept-Language": "es"}))

    for shown in (page, theirs):
        field = shown.partition('id="f-mqs_email"')[2].partition('id="f-')[0]
        assert f"This answer was erased on {erased_on}." in field and "data-empty" in field
        assert shown.count("This answer was erased") == 1
    assert spanish.count("Esta respuesta se borró el ") == 1
    assert f"Erased on {erased_on}" in markup(agent.get(f"/forms/{erased}/print"))


def test_comparisons_and_exports_show_it(agent: Client, api: Api, erased: str, owner: User) -> None:
    assert owner.tenant is not None
    copied = api.post(f"/application_forms/{erased}/copies", {"from_copy": erased}).json()["id"]
    api.patch(f"/copies/{copied}/answers", {"answers": {"mqs_email": "new@person.example"}})

    compared = markup(agent.get(f"/forms/{erased}/compare?with={copied}"))
    context = batch.find(erased, scope=owner.tenant, actor=owner.as_actor(source="web"))
    exported = of_copy(context.copy.document, context.copy.evaluation, strictest_visibility(context, EXPORT))

    assert "(erased)" in compared and "new@person.example" in compared
    shown = msgspec.to_builtins(exported["answers"]["mqs_email"])
    assert (shown["value"], shown["erased"]) == (None, True)


def test_an_answer_whose_key_was_erased_is_marked_too(api: Api, start_form: StartForm, harbor: Tenant) -> None:
    copy_id = start_form({"mqs_legal_entity": "llc", "mqs_has_fein": True, "mqs_fein": FEIN})
    assert answer(api, copy_id, "mqs_fein")["masked"] and "erased" not in answer(api, copy_id, "mqs_fein")

    erase_keys(
        batch.find(copy_id, scope=harbor, actor=ACTOR).form.id, scope=harbor, actor=ACTOR, reason="They asked for it."
    )

    shown = answer(api, copy_id, "mqs_fein")
    assert (shown["value"], shown["erased"], shown["sensitive"]) == (None, True, "spi")
