"""Carrier links in the admin: secrets that are never shown, the test call, circuits, and the traffic log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from carriers.links.breaker import return_permit, take_permit
from carriers.links.breaker_rules import FAILURES, Result
from carriers.links.link import CallContext
from carriers.links.link_secrets import opened_secret
from carriers.links.loop import run
from carriers.links.selectors import link_of
from carriers.links.traffic import CallRecord, write_calls
from carriers.models import Carrier, CarrierLink
from catalogue.models import Catalogue
from tenants.models import Tenant
from tests.harness.carrier_links import CALLBACK_SECRET, CLIENT_SECRET, MemoryLog, add_link
from tests.harness.counting_carrier import CountingCarrier, counting_carrier

pytestmark = pytest.mark.django_db

LINKS, CALLS = "admin:carriers_carrierlink_changelist", "admin:carriers_carriercall_changelist"


@pytest.fixture
def carrier() -> Iterator[CountingCarrier]:
    with counting_carrier() as running:
        yield running


@pytest.fixture
def quay(kennels: Catalogue) -> Carrier:
    return Carrier.objects.create(catalogue=kennels.code, code="QY", name="Quay")


def entered(catalogue: str, **fields: Any) -> dict[str, Any]:
    return {
        "catalogue": catalogue, "carrier": "QY", "tenant": "", "is_enabled": "on", "mode": "",
        "base_url": "https://quay.example/api", "client_id": "us", "new_client_secret": CLIENT_SECRET,
        "new_callback_secret": CALLBACK_SECRET, "timeout_seconds": "15", "connect_seconds": "3", "slow_seconds": "10",
        "per_minute": "", "most_in_flight": "10", **fields,
    }  # fmt: skip


def change_page(link: CarrierLink) -> str:
    return reverse("admin:carriers_carrierlink_change", args=[link.pk])


def test_staff_add_a_link_and_never_see_its_secrets_again(quay: Carrier, admin: Client) -> None:
    added = admin.post(reverse("admin:carriers_carrierlink_add"), entered(quay.catalogue))

    assert added.status_code == 302
    link = CarrierLink.objects.get()
    assert (opened_secret(link, "client_secret"), opened_secret(link, "callback_secret")) == (
        CLIENT_SECRET,
        CALLBACK_SECRET,
    )
    shown = admin.get(change_page(link)).content.decode() + admin.get(reverse(LINKS)).content.decode()
    assert CLIENT_SECRET not in shown and CALLBACK_SECRET not in shown
    assert "Test call" in shown


def test_an_empty_secret_keeps_the_present_one_and_a_new_callback_secret_rotates(quay: Carrier, admin: Client) -> None:
    link = add_link("QY", "https://quay.example/api", catalogue=quay.catalogue)
    new = "whsec_" + "bmV3" * 8

    kept = admin.post(change_page(link), entered("", new_client_secret="", new_callback_secret=new, most_in_flight="3"))

    assert kept.status_code == 302
    link.refresh_from_db()
    assert (link.most_in_flight, opened_secret(link, "client_secret")) == (3, CLIENT_SECRET)
    assert link_of(link).callback_secrets == (new, CALLBACK_SECRET)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "https://10.0.0.1/api"}, "public internet"),
        ({"base_url": "https://quay.example/api?x=1"}, "must not contain a part after"),
        ({"base_url": "https://other.example/api", "new_client_secret": ""}, "it will be sent to a new address"),
        ({"new_callback_secret": "secret"}, "whsec_ and at least 16"),
        ({"slow_seconds": "16"}, "ends at its time limit"),
    ],
)
def test_bad_settings_are_refused(quay: Carrier, admin: Client, fields: dict[str, str], message: str) -> None:
    link = add_link("QY", "https://quay.example/api", catalogue=quay.catalogue)

    refused = admin.post(change_page(link), entered("", **fields))

    assert refused.status_code == 200
    assert message in refused.content.decode()
    assert CarrierLink.objects.get().base_url == "https://quay.example/api"


def test_an_unknown_carrier_is_refused(quay: Carrier, admin: Client) -> None:
    refused = admin.post(reverse("admin:carriers_carrierlink_add"), entered(quay.catalogue, carrier="XX"))

    assert "There is no carrier &#x27;XX&#x27; in this catalogue." in refused.content.decode()
    assert not CarrierLink.objects.exists()


def test_a_test_call_shows_its_steps_in_place(
    carrier: CountingCarrier, admin: Client, harbor: Tenant, carrier_traffic: MemoryLog
) -> None:
    link = add_link("QY", carrier.url, tenant=harbor)
    page = reverse("admin:carriers_carrierlink_test", args=[link.pk])

    in_place = admin.post(page, headers={"HX-Request": "true"}).content.decode()
    whole = admin.post(page).content.decode()

    assert in_place.count("<strong>OK</strong>") == 2 and "<html" not in in_place
    assert "<html" in whole
    # Each test call requests a token of its own; the search uses the shared one.
    assert [each.operation for each in carrier_traffic.records] == ["token", "token", "find", "token", "find"]
    assert {each.context.tenant_id for each in carrier_traffic.records} == {harbor.id}

    carrier.answer = lambda request: (401, {}, b'{"error": "invalid_client"}')
    failed = admin.post(page, headers={"HX-Request": "true"}).content.decode()
    assert "The carrier refuses the client ID or the client secret." in failed
    assert failed.count("<li") == 1
    assert admin.get(page).status_code == 404


def test_an_open_circuit_is_shown_and_can_be_closed(carrier: CountingCarrier, admin: Client) -> None:
    link = add_link("QY", carrier.url)

    async def fail() -> None:
        for permit in [await take_permit(link_of_row) for _ in range(FAILURES)]:
            await return_permit(permit, Result.FAILURE)

    link_of_row = link_of(link)
    run(fail())
    assert "open, next call in" in admin.get(reverse(LINKS)).content.decode()
    assert "not responding: QY" in admin.get(reverse("admin:index")).content.decode()
    test = admin.post(reverse("admin:carriers_carrierlink_test", args=[link.pk])).content.decode()
    assert "Close the circuit to try at once." in test
    assert not carrier.seen

    admin.post(reverse(LINKS), {"action": "close_circuit", "_selected_action": [str(link.pk)]})

    assert "open, next call in" not in admin.get(reverse(LINKS)).content.decode()
    assert "every carrier responds" in admin.get(reverse("admin:index")).content.decode()


def test_test_calls_and_circuits_need_their_permissions(
    carrier: CountingCarrier, make_staff: Callable[..., Client]
) -> None:
    link = add_link("QY", carrier.url)
    junior = make_staff("carriers.view_carrierlink")

    refused = junior.post(reverse("admin:carriers_carrierlink_test", args=[link.pk]))
    page = junior.get(change_page(link)).content.decode()
    listed = junior.get(reverse(LINKS)).content.decode()

    assert refused.status_code == 403
    assert "staff-test-result" not in page and "close_circuit" not in listed
    assert not carrier.seen


def call_of(tenant: Tenant, copy_id: UUID | None = None, **fields: Any) -> CallRecord:
    context = CallContext(tenant_id=tenant.id, copy_id=copy_id, correlation_id="corr-7", logged_body={"zip": "***"})
    settings = {
        "link_id": uuid4(), "catalogue": "c", "carrier": "QY", "operation": "submit", "status": 200, "error": "",
        "detail": "", "duration": 1234, "context": context, "reply": {"status": "quoted"}, "at": datetime.now(UTC),
        **fields,
    }  # fmt: skip
    return CallRecord(**settings)


def test_the_traffic_log_is_found_by_form_carrier_and_result(kennel: UUID, harbor: Tenant, admin: Client) -> None:
    add_link("QY", "https://quay.example")
    write_calls([
        call_of(harbor, kennel),
        call_of(harbor, status=422, error="refused", detail="zip"),
        call_of(harbor, carrier="ZZ", status=None, error="unknown", detail="timeout"),
    ])  # fmt: skip

    def rows(**query: str) -> int:
        return admin.get(reverse(CALLS), query).content.decode().count("1,234 ms")

    assert [rows(), rows(carrier="QY"), rows(q=str(kennel)), rows(q="corr-7"), rows(q=str(uuid4()))] == [3, 2, 1, 3, 0]
    assert [rows(result=name) for name in ("success", "failed", "refused", "server", "silent")] == [1, 2, 1, 0, 1]
    found = admin.get(reverse(CALLS), {"q": str(kennel)}).content.decode()
    assert reverse("admin:copies_copy_change", args=[kennel]) in found


def test_a_call_shows_what_was_logged(kennel: UUID, harbor: Tenant, admin: Client) -> None:
    write_calls([call_of(harbor, kennel)])

    listed = admin.get(reverse(CALLS)).content.decode()
    address = next(part for part in listed.split('"') if "/carriercall/" in part and "/change/" in part)
    shown = admin.get(address).content.decode()

    assert "&quot;zip&quot;: &quot;***&quot;" in shown and "&quot;quoted&quot;" in shown
