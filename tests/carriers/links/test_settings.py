"""Link settings: whose they are, sealed secrets and their rotation, and the links of the demo."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from batch.key_rotation import rewrap_tenant
from carriers.demo_credentials import demo_callback_secret
from carriers.links.demo import create_demo_links
from carriers.links.errors import LinkDisabled, LinkMissing, LinkSecretUnreadable
from carriers.links.link import LinkMode
from carriers.links.link_secrets import rotate_callback_secret
from carriers.links.selectors import find_link, link_with_id
from carriers.models import Carrier, CarrierLink
from tenants.models import Tenant
from tests.harness.carrier_links import CALLBACK_SECRET, CLIENT_SECRET, add_link
from tests.harness.cast import DEMO

pytestmark = pytest.mark.django_db


@pytest.fixture
def qm() -> Carrier:
    return Carrier.objects.create(
        catalogue=DEMO, code="QM", name="Quay", link_mode="poll", per_minute=30, p95_seconds=9
    )


def test_a_link_completes_its_settings_from_the_carrier(qm: Carrier, harbor: Tenant) -> None:
    row = add_link("QM", "https://quay.example", per_minute=None, timeout_seconds=20)

    link = find_link(DEMO, "QM", tenant=harbor)

    assert (link.id, link.mode, link.per_minute, link.timeout_seconds, link.p95_seconds) == (
        row.pk, LinkMode.POLL, 30, 20, 9,
    )  # fmt: skip
    assert (link.client_id, link.client_secret, link.callback_secrets) == (
        "partner", CLIENT_SECRET, (CALLBACK_SECRET,),
    )  # fmt: skip


def test_a_tenants_own_settings_replace_those_of_all(qm: Carrier, harbor: Tenant, summit: Tenant) -> None:
    add_link("QM", "https://all.example")
    own = add_link("QM", "https://own.example", tenant=harbor, mode="sync", per_minute=5)

    assert find_link(DEMO, "QM", tenant=harbor).base_url == "https://own.example"
    assert find_link(DEMO, "QM", tenant=harbor).mode is LinkMode.SYNC
    assert find_link(DEMO, "QM", tenant=summit).base_url == "https://all.example"
    assert link_with_id(own.pk, tenant=summit) is None
    assert link_with_id(own.pk, tenant=harbor) is not None


def test_a_missing_and_a_disabled_link_have_their_errors(qm: Carrier, harbor: Tenant) -> None:
    with pytest.raises(LinkMissing, match="QM"):
        find_link(DEMO, "QM", tenant=harbor)
    add_link("QM", "https://all.example")
    own = add_link("QM", "https://own.example", tenant=harbor, is_enabled=False)

    with pytest.raises(LinkDisabled, match="turned off"):
        find_link(DEMO, "QM", tenant=harbor)
    assert link_with_id(own.pk, tenant=harbor) is not None


def test_a_carrier_has_one_link_per_tenant_and_one_of_all() -> None:
    add_link("QM", "https://all.example")

    with pytest.raises(IntegrityError), transaction.atomic():
        add_link("QM", "https://other.example")


def test_secrets_are_sealed_and_bound_to_their_row(harbor: Tenant) -> None:
    one, other = add_link("QM", "https://one.example"), add_link("TT", "https://other.example")
    stored = bytes(one.client_secret or b"") + bytes(one.callback_secret or b"")
    assert CLIENT_SECRET.encode() not in stored and CALLBACK_SECRET.encode() not in stored

    CarrierLink.objects.filter(pk=other.pk).update(client_secret=one.client_secret)

    with pytest.raises(LinkSecretUnreadable):
        find_link(DEMO, "TT", tenant=harbor)


def test_both_callback_secrets_are_accepted_during_a_rotation(harbor: Tenant) -> None:
    row = add_link("QM", "https://one.example")
    rotate_callback_secret(row, "whsec_bmV3")
    row.save()
    assert find_link(DEMO, "QM", tenant=harbor).callback_secrets == ("whsec_bmV3", CALLBACK_SECRET)

    row.previous_callback_secret_until = timezone.now() - timedelta(seconds=1)
    row.save()

    assert find_link(DEMO, "QM", tenant=harbor).callback_secrets == ("whsec_bmV3",)


def test_a_new_master_key_seals_all_secrets_anew(harbor: Tenant, settings: Settings) -> None:
    rotate_callback_secret(row := add_link("QM", "https://all.example"), "whsec_bmV3")
    row.save()
    add_link("QM", "https://own.example", tenant=harbor)
    (first, old_key), *_ = settings.KEYRING.items()
    new_key = base64.b64encode(b"n" * 32).decode()
    settings.KEYRING = {first: old_key, "new": new_key}

    *_, done = rewrap_tenant(harbor)

    settings.KEYRING = {"new": new_key}
    assert done.secrets == 1
    assert find_link(DEMO, "QM", tenant=harbor).client_secret == CLIENT_SECRET
    shared = link_with_id(row.pk, tenant=harbor)
    assert shared is not None and shared.callback_secrets == ("whsec_bmV3", CALLBACK_SECRET)


def test_the_links_of_the_demo_lead_to_the_simulator(qm: Carrier, harbor: Tenant) -> None:
    assert create_demo_links(DEMO, simulator_url="http://127.0.0.1:8100/") == 1
    assert create_demo_links(DEMO, simulator_url="http://127.0.0.1:8200") == 0

    link = find_link(DEMO, "QM", tenant=harbor)
    assert link.base_url == "http://127.0.0.1:8200/QM"
    assert link.callback_secrets == (demo_callback_secret("QM"),)
