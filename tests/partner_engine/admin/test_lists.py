"""The lists of the admin: people first, the words of the agents' pages, times with their zone, and what is not here."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import Tenant


def text_of(client: Client, address: str, **query: str) -> str:
    return " ".join(client.get(address, query).content.decode().split())


def columns(text: str) -> list[str]:
    """Return the classes of the cells of a list's first row that name a field."""
    row = text[text.index("result_list") :]
    return list(dict.fromkeys(re.findall(r"field-(\w+)", row)))


@pytest.mark.parametrize("name", ["forms_applicationform", "copies_copy"])
def test_the_insured_comes_first_and_the_id_is_short(name: str, admin: Client, kennel: UUID) -> None:
    text = text_of(admin, reverse(f"admin:{name}_changelist"))

    shown = columns(text)
    assert (shown[0], shown[-1]) == ("insured", "short_id")
    assert f'<code class="staff-id" title="{kennel}">{str(kennel)[:13]}</code>' in text


def test_states_and_lines_are_in_words(admin: Client, kennel: UUID) -> None:
    text = text_of(admin, reverse("admin:forms_applicationform_changelist"))

    assert "In progress" in text
    assert "Animals in care" in text
    assert "incomplete</" not in text


def test_a_list_is_sorted_by_its_time_both_ways_with_a_zone(admin: Client, kennel: UUID) -> None:
    address = reverse("admin:forms_applicationform_changelist")

    assert re.search(r"\d\d:\d\d UTC", text_of(admin, address))
    assert admin.get(address, {"o": "6"}).context["cl"].queryset.query.order_by[0] == "pk"


def test_a_row_of_another_tenant_gets_the_admins_own_page(admin: Client, kennel: UUID, summit: Tenant) -> None:
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})

    for view in ("copies_copy_change", "forms_applicationform_change"):
        address = reverse(f"admin:{view}", args=(kennel,))
        answer = admin.get(address)

        text = " ".join(answer.content.decode().split())
        assert answer.status_code == 404
        assert "in what you are looking at: Summit Brokers" in text
        assert f'name="next" value="{address}"' in text
        assert "Go to your application forms" not in text


def test_an_unknown_address_of_the_admin_gets_the_same_page(admin: Client) -> None:
    answer = admin.get("/admin/nowhere/")

    assert answer.status_code == 404
    assert b"There is nothing at this address" in answer.content


def test_an_empty_outbox_says_that_nothing_waits(admin: Client) -> None:
    address = reverse("admin:actions_outboxaction_changelist")

    assert "Nothing is waiting" in text_of(admin, address)
    assert "Create a new item" not in text_of(admin, address)
    assert "Nothing matches" in text_of(admin, address, state="dead")
