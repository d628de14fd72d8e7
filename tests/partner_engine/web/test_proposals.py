"""The proposal: the agent's page, its links, and what a customer sees behind them, now and later."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from batch import service as batch
from catalogue.demo import Sample
from quoting.models import ProposalLink
from quoting.proposals import MOST_LINKS
from tenants.agency_profile import AgencyProfile, change_profile
from tenants.current_tenant import use_tenant
from tenants.models import User
from tests.harness.api_client import Api
from tests.harness.page_client import markup
from tests.harness.quoted_forms import LOWERED, answer, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.fixture
def by(owner: User) -> dict[str, Any]:
    """Return the scope and the actor of the owner."""
    return {"scope": owner.tenant, "actor": owner.as_actor(source="web")}


@pytest.fixture
def copy_id(api: Api, s1: Sample, by: dict[str, Any]) -> str:
    """Return a restaurant with two quotes."""
    copy_id = str(api.start(s1)["id"])
    for product, premium in (("QM-BOP", 2451), ("TT-WC", 5019)):
        answer(copy_id, submit(copy_id, product, **by), premium=premium, **by)
    return copy_id


def link_of(browser: Client, copy_id: str, **values: Any) -> str:
    """Make a link, and return its path."""
    content = browser.post(f"/forms/{copy_id}/proposal/links", {"days": "14", **values}).content.decode()
    found = re.search(r'value="http://[^/"]+(/proposals/[^"]+)"', content)
    assert found is not None, content
    return found[1]


def test_the_proposal_has_each_line_with_what_it_assumes(browser: Client, copy_id: str):
    content = markup(browser.get(f"/forms/{copy_id}/proposal"))

    assert "Insurance proposal for Copper Kettle Bistro LLC" in content
    assert content.index("Business owners") < content.index("Workers compensation")
    assert "<b>$2,451</b>" in content
    assert "The first offer of each line together: <b>$7,470</b>" in content
    assert "coverage from July 1, 2026" in content
    assert "d_loss" not in content
    assert "<dt>Gross revenue in the last 12 months</dt> <dd> $1,250,000 </dd>" in content


def test_personal_values_are_masked(browser: Client, copy_id: str):
    link = link_of(browser, copy_id)

    for content in (markup(browser.get(f"/forms/{copy_id}/proposal")), markup(Client().get(link))):
        assert "robin@example.com" not in content
        assert "1 Demo Way" not in content
        assert "00-0000001" not in content


def test_a_proposal_has_the_agencys_profile_of_its_day_and_the_present_logo(
    browser: Client, copy_id: str, by: dict[str, Any]
):
    profile = {"name": by["scope"].name, "email": "desk@harbor.example"}
    change_profile(by["scope"], AgencyProfile(**profile, phone="(614) 555-2368", logo=b"first"))
    link = link_of(browser, copy_id)
    change_profile(by["scope"], AgencyProfile(**profile, phone="(614) 555-2399", logo=b"second"))

    content = markup(Client().get(link))

    assert "(614) 555-2368" in content and "(614) 555-2399" not in content
    assert "mailto:desk@harbor.example" in content
    assert f'src="/logos/{by["scope"].logo_id}"' in content


def test_only_chosen_quotes_are_proposed(browser: Client, copy_id: str, by: dict[str, Any]):
    context = batch.find(copy_id, **by)
    bop = next(str(row.id) for row in context.attached["quote_requests"] if row.product == "QM-BOP")  # type: ignore[attr-defined]

    content = markup(browser.get(f"/forms/{copy_id}/proposal?quote={bop}"))

    assert "This premium assumes" in content
    assert content.count("This premium assumes") == 1
    assert '<section aria-label="Workers compensation">' not in content


def test_without_quotes_the_page_says_what_to_do(browser: Client, api: Api, s1: Sample):
    started = api.start(s1)["id"]

    assert "Nothing to propose yet" in markup(browser.get(f"/forms/{started}/proposal"))
    refused = browser.post(f"/forms/{started}/proposal/links", {"days": "14"})
    assert (refused.status_code, "no quote to propose" in markup(refused)) == (422, True)


def test_a_customer_opens_the_link_without_signing_in(browser: Client, copy_id: str, by: dict[str, Any]):
    link = link_of(browser, copy_id)

    opened = Client().get(link)

    assert opened.status_code == 200
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert "Insurance proposal for Copper Kettle Bistro LLC" in markup(opened)
    assert "sessionid" not in opened.cookies
    with use_tenant(by["scope"]):
        stored = ProposalLink.objects.get()
        assert stored.opened_at is not None
        assert link.rpartition("/")[2] not in str(stored.__dict__)


def test_the_link_says_which_offers_no_longer_hold(browser: Client, api: Api, copy_id: str, by: dict[str, Any]):
    link = link_of(browser, copy_id)
    context = batch.find(copy_id, **by)
    wc = next(row for row in context.attached["quote_requests"] if row.product == "TT-WC")  # type: ignore[attr-defined]

    answer(copy_id, str(wc.id), premium=5500, **by)
    content = markup(Client().get(link))

    assert "The carrier has changed this premium since." in content
    assert "The answers behind this offer have changed since." not in content
    assert "$5,500" not in content

    api.patch(f"/copies/{copy_id}/answers", {"answers": {"mqs_annual_revenue": 1300000}})
    content = markup(Client().get(link))

    assert "The answers behind this offer have changed since." in content
    assert '<s><span class="unseen">no longer valid:</span>$2,451</s>' in content


def test_a_link_ends_by_itself_and_by_hand(browser: Client, copy_id: str, by: dict[str, Any]):
    first, second = link_of(browser, copy_id), link_of(browser, copy_id)
    with use_tenant(by["scope"]):
        newest, oldest = ProposalLink.objects.all()
        ProposalLink.objects.filter(pk=oldest.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    ended = browser.post(f"/forms/{copy_id}/proposal/links/{newest.pk}/revoke")

    assert "no longer opens the proposal" in markup(ended)
    for link in (first, second):
        closed = Client().get(link)
        assert closed.status_code == 410
        assert f"Ask {by['scope'].name} for a new one" in markup(closed)
        assert "$2,451" not in markup(closed)


@pytest.mark.parametrize("secret", ["nonsense", "A" * 64, "~~~", "-" * 200])
def test_a_wrong_secret_opens_nothing(browser: Client, copy_id: str, secret: str):
    link_of(browser, copy_id)

    assert Client().get(f"/proposals/{secret}").status_code == 404


def test_the_secret_of_another_copy_opens_nothing(browser: Client, copy_id: str):
    link = link_of(browser, copy_id)
    last = "A" if link[-1] != "A" else "B"

    assert Client().get(link[:-2] + last + link[-1]).status_code == 404


def test_another_tenant_reads_and_ends_no_link(
    browser: Client, stranger: User, sign_in: Callable[[User], Client], copy_id: str, by: dict[str, Any]
):
    link = link_of(browser, copy_id)
    with use_tenant(by["scope"]):
        stored = ProposalLink.objects.get()
    foreign = sign_in(stranger)

    assert foreign.get(f"/forms/{copy_id}/proposal").status_code == 404
    assert foreign.post(f"/forms/{copy_id}/proposal/links/{stored.pk}/revoke").status_code == 404
    assert Client().get(link).status_code == 200


def test_a_link_of_a_deleted_copy_is_closed(browser: Client, copy_id: str, by: dict[str, Any]):
    link = link_of(browser, copy_id)
    with batch.find_and_lock(copy_id, **by) as context:
        context.changeset.application_form.archive()
        context.save()

    assert Client().get(link).status_code == 404


def test_links_are_limited(browser: Client, copy_id: str, by: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("quoting.proposals.MOST_LINKS", 1)
    link_of(browser, copy_id)

    refused = browser.post(f"/forms/{copy_id}/proposal/links", {"days": "14"})

    assert refused.status_code == 422
    assert f"There are {MOST_LINKS} links already" in markup(refused) or "links already" in markup(refused)
    with use_tenant(by["scope"]):
        assert ProposalLink.objects.count() == 1


def test_what_the_carrier_changed_is_told_to_the_customer(
    browser: Client, api: Api, samples: dict[str, Sample], by: dict[str, Any]
):
    copy_id = str(api.start(samples["S3"])["id"])
    answer(copy_id, submit(copy_id, "VC-CYB", **by), premium=3432, changes=(LOWERED,), **by)

    content = markup(Client().get(link_of(browser, copy_id)))

    assert "Offered differently from what was asked" in content
    assert "no MFA" in content
