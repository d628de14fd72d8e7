"""The lists of the admin: people first, the words of the agents' pages, times with their zone, and what is not here."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from uuid_utils.compat import uuid7

from batch import service as batch
from catalogue.models import Catalogue, LineOfBusiness
from forms.models import Declination, QuoteRequest
from operations.models import BatchOperation
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.kennel_catalogue import ANSWERS, HOUSES


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


@pytest.fixture
def records(harbor: Tenant, kennels: Catalogue) -> UUID:
    """Return the copy of a kennel with a declination and a requested quote of a surplus product."""
    return start_records(harbor, ANSWERS["kennel_name"])


def start_records(tenant: Tenant, name: str) -> UUID:
    """Return the copy of the kennel ``name``, with a declination and a requested quote of a surplus product."""
    given = {**ANSWERS, "kennel_name": name, "has_cats": True, "cat_count": 120}
    with batch.build_context(scope=tenant, actor=system_actor("test"), catalogue="kennels") as context:
        context.changeset.apply_answers(given, {"houses": HOUSES})
        context.changeset.quote_requests.request("WO-CARE")
        context.save()
        return context.copy.id


@pytest.mark.parametrize("name", ["forms_declination", "forms_quoterequest"])
def test_rows_of_a_copy_begin_with_the_insured_and_name_the_product(
    name: str, admin: Client, records: UUID, harbor: Tenant
) -> None:
    address = reverse(f"admin:{name}_changelist")

    text = text_of(admin, address)
    shown = columns(text)
    assert (shown[:2], shown[-1]) == (["insured", "product_name"], "short_id")
    assert reverse("admin:copies_copy_change", args=(records,)) in text
    assert ANSWERS["kennel_name"] in text
    assert "WO-CARE</td>" not in text
    assert text.count('class="staff-id"') >= 1
    # A search by the copy finds its rows alone, and a filter that does not match says so.
    start_records(harbor, "Other Tails")
    assert "Other Tails" in text_of(admin, address)
    found = text_of(admin, address, q=str(records))
    assert (ANSWERS["kennel_name"] in found, "Other Tails" in found) == (True, False)
    assert "Nothing matches" in text_of(admin, address, q="zzzzqq")


@pytest.mark.parametrize("name", ["forms_declination", "forms_quoterequest"])
def test_more_rows_of_a_copy_need_no_more_queries(name: str, admin: Client, harbor: Tenant, records: UUID) -> None:
    address = reverse(f"admin:{name}_changelist")
    admin.get(address)
    with CaptureQueriesContext(connection) as few:
        admin.get(address)
    with use_tenant(harbor):
        model = Declination if name == "forms_declination" else QuoteRequest
        [row] = model.objects.all()
        more = []
        for place in range(5):
            values = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
            changed = {"id": uuid7(), "version": 100 + place} if model is Declination else {"id": uuid7()}
            changed |= {} if model is Declination else {"request_token": f"t-{place}", "copy_id": uuid7()}
            more.append(model(**{**values, **changed}))
        model.objects.bulk_create(more)

    with CaptureQueriesContext(connection) as many:
        assert text_of(admin, address).count('class="staff-id"') > 5

    assert len(many) == len(few)


def test_operations_have_the_words_of_the_agents_pages(admin: Client, harbor: Tenant, owner: User) -> None:
    by = {"created_by_type": "user", "created_by_id": str(owner.pk), "created_by_label": owner.full_name}
    started = {"kind": "archive", "arguments": b"", "created_at": timezone.now(), "started_at": timezone.now(), **by}
    with use_tenant(harbor):
        BatchOperation.objects.create(
            id=uuid7(), tenant_id=harbor.id, total=4, completed=1, failed=1, cancelled=1, **started
        )
        BatchOperation.objects.create(id=uuid7(), tenant_id=harbor.id, total=1, completed=1, **started)
    address = reverse("admin:operations_batchoperation_changelist")

    text = text_of(admin, address)

    assert columns(text)[0] == "what" and columns(text)[-1] == "short_id"
    assert "3 of 4 forms (75.0%)" in text and "1 of 1 form (100.0%)" in text
    assert "Running" in text and "Completed" in text
    assert "Nothing matches" in text_of(admin, address, kind="clone")
    assert text_of(admin, address, kind="archive", state="failed").count('class="staff-id"') == 1


def test_users_show_who_cannot_sign_in_and_who_has_a_second_factor(
    admin: Client, owner: User, member: User, stranger: User
) -> None:
    TOTPDevice.objects.create(user=member, confirmed=True)
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    locked = {"username": owner.email.upper(), "ip_address": "10.0.0.1", "attempt_time": timezone.now()}
    AccessAttempt.objects.create(**locked, failures_since_start=settings.AXES_FAILURE_LIMIT, get_data="", post_data="")
    address = reverse("admin:tenants_user_changelist")

    with CaptureQueriesContext(connection) as queries:
        text = text_of(admin, address)

    assert columns(text)[:2] == ["name", "email"]
    assert len(queries) <= 15
    for status, user in (("locked-out", owner), ("active", member), ("inactive", stranger)):
        shown = text_of(admin, address, status=status)
        others = {owner.email, member.email, stranger.email} - {user.email}
        assert user.email in shown
        assert not [email for email in others if email in shown], status
    assert member.email in text_of(admin, address, second_factor="yes")
    assert member.email not in text_of(admin, address, second_factor="no")


def test_the_list_of_catalogues_shows_the_state_of_each_draft(admin: Client, kennels: Catalogue) -> None:
    address = reverse("admin:catalogue_catalogue_changelist")
    assert "Draft: no changes" in text_of(admin, address)

    LineOfBusiness.objects.filter(catalogue=kennels).update(label="Renamed")

    assert re.search(r"Draft: \d changes?, 0 faults", text_of(admin, address))
    with CaptureQueriesContext(connection) as queries:
        admin.get(address)
    # What was compared once is remembered until a row changes.
    assert not [query for query in queries if "carriers_ratetable" in query["sql"] and "md5" not in query["sql"]]
