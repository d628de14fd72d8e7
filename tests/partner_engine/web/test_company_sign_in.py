"""Users sign in with the accounts of their company: at their own tenant alone, and only with a valid token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from jwcrypto.jwk import JWK
from pytest_django import Settings

from partner_engine.account_mails import send_due_mails
from partner_engine.company_issuer import set_secret
from partner_engine.web.sign_in import COMPANY_ONLY
from tenants.models import AccountMail, AccountMailKind, CompanySignIn, Tenant, User
from tests.harness.cast import PASSWORD
from tests.harness.fake_issuer import FakeIssuer, running_issuer

pytestmark = pytest.mark.django_db

ASK, GO, FINISH = "/sign-in/company", "/sign-in/company/to/harbor", "/sign-in/company/finish/harbor"


@pytest.fixture(scope="module")
def issuer_process() -> Iterator[FakeIssuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(issuer_process: FakeIssuer) -> FakeIssuer:
    """Return an issuer that vouches for the owner."""
    issuer_process.reset()
    return issuer_process


@pytest.fixture
def company(harbor: Tenant, issuer: FakeIssuer) -> CompanySignIn:
    """Return harbor's company sign-in."""
    return issuer.sign_in_of(harbor)


def come_back(browser: Client, issuer: FakeIssuer, *, path: str = GO) -> HttpResponse:
    """Go to the issuer and come back."""
    sent = browser.get(path)
    assert sent.status_code == 302, sent.content
    return browser.get(f"{FINISH}?{issuer.visit(sent['Location'])}")


def is_signed_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_a_user_signs_in_with_the_account_of_the_company(
    company: CompanySignIn, issuer: FakeIssuer, owner: User
) -> None:
    browser = Client()
    page = browser.post(ASK, {"email": "owner@HARBOR.example", "next": "/settings/agency"}).content.decode()
    link = re.search(r'href="(/sign-in/company/to/harbor[^"]*)"', page)
    assert link is not None and issuer.issuer in page

    response = come_back(browser, issuer, path=link[1])

    assert (response.status_code, response["Location"]) == (302, "/settings/agency")
    assert is_signed_in(browser)
    assert issuer.asked["code_challenge_method"] == "S256" and issuer.asked["scope"] == "openid email profile"
    (posted,) = issuer.posted
    assert (posted["code"], posted["client_secret"], posted["client_id"]) == ("the-code", "the-secret", "engine")


def test_the_way_back_is_good_once_and_in_that_browser(company: CompanySignIn, issuer: FakeIssuer, owner: User) -> None:
    browser, other = Client(), Client()
    query = issuer.visit(browser.get(GO)["Location"])

    assert other.get(f"{FINISH}?{query}")["Location"] == ASK
    assert browser.get(f"{FINISH}?code=x&state=wrong").status_code == 403
    assert browser.get(f"{FINISH}?{query}")["Location"] == ASK
    assert not is_signed_in(other) and not is_signed_in(browser)
    assert come_back(browser, issuer).status_code == 302 and is_signed_in(browser)
    assert issuer.posted[-1]["code"] == "the-code"


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email_verified": False, "xms_edov": True},
        {"email_verified": True, "xms_edov": False},
        {"email_verified": True, "xms_edov": "false"},
        {"email_verified": True, "xms_edov": None},
        {"email": None},
        {"email": "owner@summit.example"},
        {"email": "owner@harbor.example.evil.example"},
        {"email": "stranger@summit.example"},
        {"email": "staff@harbor.example"},
        {"email": "nobody@harbor.example"},
        {"email": "ownеr@harbor.example"},
        {"email": "owner@harbor.ехample"},
        {"email": "ｏwner@harbor.example"},
        {"iss": "https://login.example.com"},
        {"aud": "another"},
        {"aud": ["engine", "another"]},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000},
    ],
    ids=str,
)
def test_another_token_opens_nothing(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, stranger: User, claims: dict[str, Any]
) -> None:
    User.objects.create_superuser("staff@harbor.example", "x")
    issuer.claims |= claims
    browser, before = Client(), User.objects.count()

    response = come_back(browser, issuer)

    assert response.status_code == 403 and not is_signed_in(browser) and User.objects.count() == before


@pytest.mark.parametrize(("verified", "is_in"), [(True, True), ("1", True), (False, False), (None, False)])
def test_entra_id_vouches_in_a_claim_of_its_own(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, verified: object, is_in: bool
) -> None:
    issuer.claims, issuer.left_out = {**issuer.claims, "xms_edov": verified}, ("email_verified",)
    browser = Client()

    come_back(browser, issuer)

    assert is_signed_in(browser) is is_in


@pytest.mark.parametrize("forged", ["another key", "a shared secret", "another issuer", "no verifier"])
def test_a_forged_answer_opens_nothing(company: CompanySignIn, issuer: FakeIssuer, owner: User, forged: str) -> None:
    browser = Client()
    sent = browser.get(GO)
    query = issuer.visit(sent["Location"])
    if forged == "another key":
        issuer.signer = JWK.generate(kty="RSA", size=2048, kid="one")
    elif forged == "a shared secret":
        issuer.alg, issuer.signer = "HS256", JWK.generate(kty="oct", size=256, kid="one")
    elif forged == "another issuer":
        issuer.description = {"issuer": "https://login.example.com"}
    else:
        issuer.asked["code_challenge"] = "x"

    assert browser.get(f"{FINISH}?{query}").status_code == 403 and not is_signed_in(browser)


def test_no_issuer_gets_the_code_of_another(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, summit: Tenant
) -> None:
    """An issuer sends the browser on to that of another tenant, whose code then comes back (RFC 9700, mix-up)."""
    theirs = CompanySignIn(
        tenant=summit, issuer=issuer.issuer, client_id="evil", mail_domains=["summit.example"], is_enabled=True
    )
    set_secret(theirs, "their-secret")
    theirs.save()
    browser = Client()
    query = issuer.visit(browser.get("/sign-in/company/to/summit")["Location"])
    assert issuer.asked["redirect_uri"].endswith("/sign-in/company/finish/summit")

    assert browser.get(f"{FINISH}?{query}").status_code == 403
    named = issuer.visit(browser.get(GO)["Location"])
    assert browser.get(f"{FINISH}?{named}&iss=https://login.example.com").status_code == 403

    assert issuer.posted == [] and not is_signed_in(browser)
    named = issuer.visit(browser.get(GO)["Location"])
    assert browser.get(f"{FINISH}?{named}&iss={issuer.issuer}").status_code == 302 and is_signed_in(browser)


def test_the_address_of_the_issuer_is_guarded(company: CompanySignIn, issuer: FakeIssuer, settings: Settings) -> None:
    issuer.description = {"authorization_endpoint": "javascript:alert(1)"}
    assert Client().get(GO).status_code == 502
    issuer.description = {}
    settings.CARRIERS = replace(settings.CARRIERS, allowed_networks=())

    assert Client().get(GO).status_code == 502


def test_accounts_are_added_only_where_the_tenant_wants_it(
    company: CompanySignIn, issuer: FakeIssuer, harbor: Tenant
) -> None:
    issuer.claims = {"email": "New@Harbor.example", "name": "Nora  New"}
    assert come_back(Client(), issuer).status_code == 403
    CompanySignIn.objects.update(adds_accounts=True)
    browser = Client()

    come_back(browser, issuer)

    user = User.objects.get(email="new@harbor.example")
    assert (user.full_name, user.role, user.tenant, user.has_usable_password()) == ("Nora New", "agent", harbor, False)
    assert is_signed_in(browser)
    user.is_active = False
    user.save()
    assert come_back(Client(), issuer).status_code == 403


def test_a_second_factor_of_the_product_is_still_requested(
    company: CompanySignIn, issuer: FakeIssuer, owner: User
) -> None:
    TOTPDevice.objects.create(user=owner, name="app", confirmed=True)
    browser = Client()

    assert come_back(browser, issuer)["Location"] == "/sign-in/code"
    assert not is_signed_in(browser)


def test_only_this_way_refuses_the_password(company: CompanySignIn, owner: User, stranger: User) -> None:
    CompanySignIn.objects.update(is_required=True)

    def status(user: User) -> tuple[int, bool]:
        response = Client().post("/sign-in", {"username": user.email, "password": PASSWORD})
        return response.status_code, COMPANY_ONLY in response.content.decode()

    assert status(owner) == (200, True)
    assert status(stranger) == (302, False)
    for kind in (AccountMailKind.INVITATION, AccountMailKind.RESET):
        times = dict.fromkeys(("created_at", "next_attempt_at"), timezone.now())
        AccountMail.objects.create(kind=kind, email=owner.email, origin="https://engine.example", **times)
    send_due_mails("default")
    assert [f"https://engine.example{GO}\n" in one.body for one in mail.outbox] == [True, True]

    CompanySignIn.objects.update(is_enabled=False)
    assert status(owner) == (302, False)


def test_an_unknown_domain_or_tenant_leads_nowhere(company: CompanySignIn) -> None:
    browser = Client()
    for email in ("owner@summit.example", "harbor.example", "", "@", "owner@evil.harbor.example"):
        assert browser.post(ASK, {"email": email}).status_code == 422
    assert browser.get("/sign-in/company/to/summit").status_code == 404
    CompanySignIn.objects.update(is_enabled=False)
    assert browser.get(GO).status_code == 404
    assert browser.get(FINISH)["Location"] == ASK


def test_an_address_of_another_site_is_not_followed(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, sign_in: Callable[[User], Client]
) -> None:
    assert come_back(Client(), issuer, path=f"{GO}?next=https://evil.example/")["Location"] == "/"
