"""Forms are found by a prefix of their id, by the insured and by a copy's id: in lists and in the sidebar."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from partner_engine.admin.forms import STATES
from search.queries import id_range
from tenants.models import Tenant, User
from tests.harness.sensitive_kennel import start_kennel


@pytest.mark.parametrize("view", ["admin:forms_applicationform_changelist", "admin:copies_copy_changelist"])
def test_a_form_is_found_by_id_and_by_insured(
    view: str, admin: Client, harbor: Tenant, owner: User, kennels: object
) -> None:
    tails, paws = start_kennel(harbor, owner), start_kennel(harbor, owner, name="Quiet Paws")

    def found(term: str) -> set[UUID]:
        text = admin.get(reverse(view), {"q": term}).content.decode()
        return {form for form in (tails, paws) if f"/{form}/change/" in text}

    assert found(str(tails)) == {tails}
    assert found(str(tails)[:8]) >= {tails}
    assert found("happy") == {tails}
    assert found("PAWS quiet") == {paws}
    assert found("quiet tails") == set()
    assert found("ffffffff") == set()


@pytest.mark.parametrize("state", STATES)
def test_the_filter_keeps_forms_in_one_state(state: str, admin: Client, kennel: UUID) -> None:
    text = admin.get(reverse("admin:forms_applicationform_changelist"), {"state": state}).content.decode()

    # Its SSN is answered, nothing is needed, and the only open product refers or rates.
    assert (f"/{kennel}/change/" in text) is (state == "ready")


def test_the_search_of_the_sidebar_finds_forms_pages_and_people(admin: Client, kennel: UUID) -> None:
    def found(term: str) -> str:
        return admin.get(reverse("admin:search"), {"s": term, "extended": "1"}).content.decode()

    assert f"/admin/forms/applicationform/{kennel}/change/" in found("happy tails")
    assert "Happy Tails" in found(str(kennel))
    assert reverse("admin:actions_outboxaction_changelist") in found("outbox")
    assert "owner@harbor.example" in found("owner@")
    assert found("") == ""


def test_the_search_stores_nothing(admin: Client, kennel: UUID) -> None:
    admin.get(reverse("admin:search"), {"s": "happy", "extended": "1"})

    assert not [key for key in caches["default"].keys("*") if "search" in key]  # type: ignore[attr-defined]


def test_the_search_shows_only_visible_results(make_staff: Callable[..., Client], kennel: UUID) -> None:
    junior = make_staff("tenants.view_tenant")

    answer = junior.get(reverse("admin:search"), {"s": "happy", "extended": "1"})

    assert b"Happy" not in answer.content


@pytest.mark.parametrize(
    ("prefix", "first", "last"),
    [
        ("01936f", "01936f00-0000-0000-0000-000000000000", "01936fff-ffff-ffff-ffff-ffffffffffff"),
        ("01936FA0-1", "01936fa0-1000-0000-0000-000000000000", "01936fa0-1fff-ffff-ffff-ffffffffffff"),
    ],
)
def test_the_beginning_of_an_id_is_a_range(prefix: str, first: str, last: str) -> None:
    assert id_range(prefix) == (UUID(first), UUID(last))


@pytest.mark.parametrize("text", ["019", "copper", "", "0" * 33])
def test_other_texts_are_not_prefixes_of_an_id(text: str) -> None:
    assert id_range(text) is None


@pytest.mark.parametrize(
    ("view", "lookup"),
    [
        ("admin:tenants_apiclient_changelist", "client_secret__startswith"),
        ("admin:tenants_user_changelist", "password__startswith"),
        ("admin:copies_copy_changelist", "search_personal__contains"),
    ],
)
def test_lists_have_no_filter_by_hidden_values(view: str, lookup: str, admin: Client, kennel: UUID) -> None:
    assert admin.get(reverse(view), {lookup: "a"}).status_code in (302, 400)
