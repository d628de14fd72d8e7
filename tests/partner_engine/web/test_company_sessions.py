"""A session that began with the account of a company ends when the issuer no longer vouches for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from partner_engine import company_sessions
from partner_engine.company_sessions import GRACE_SECONDS
from partner_engine.live.grants import grants_in_force, session_grant
from partner_engine.problems import Refused
from tenants.models import CompanySignIn, Tenant, User, UserSession
from tests.harness.cast import PASSWORD
from tests.harness.fake_issuer import FakeIssuer, running_issuer

pytestmark = pytest.mark.django_db

GO, FINISH = "/sign-in/company/to/harbor", "/sign-in/company/finish/harbor"
_CHECK = company_sessions._CHECK


@pytest.fixture(scope="module")
def issuer_process() -> Iterator[FakeIssuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(issuer_process: FakeIssuer) -> FakeIssuer:
    """Return an issuer that vouches for the owner and gives refresh tokens."""
    issuer_process.reset()
    issuer_process.description = {"scopes_supported": ["openid", "email", "profile", "offline_access"]}
    issuer_process.refresh_token = "r"
    return issuer_process


@pytest.fixture
def company(harbor: Tenant, issuer: FakeIssuer) -> CompanySignIn:
    return issuer.sign_in_of(harbor)


def enter(issuer: FakeIssuer) -> Client:
    """Return a browser that signed in at the issuer."""
    browser = Client()
    query = issuer.visit(browser.get(GO)["Location"])
    assert browser.get(f"{FINISH}?{query}").status_code == 302
    return browser


@pytest.fixture
def browser(company: CompanySignIn, issuer: FakeIssuer, owner: User) -> Client:
    return enter(issuer)


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def let_pass(browser: Client, minutes: float = 16) -> None:
    """Let the last check of the session be so many minutes earlier."""
    session = browser.session
    session[_CHECK] = {name: at - 60 * minutes for name, at in session[_CHECK].items()}
    session.save()
    UserSession.objects.filter(session_key=session.session_key).update(
        company_checked_at=Now() - timedelta(minutes=minutes)
    )


def test_the_issuer_is_asked_after_fifteen_minutes_and_once(browser: Client, issuer: FakeIssuer) -> None:
    assert issuer.asked["scope"] == "openid email profile offline_access"
    let_pass(browser, 14)
    assert is_in(browser) and issuer.renewals == []

    for number, posted in enumerate((["r"], ["r", "r+"]), 1):
        let_pass(browser, 16)
        assert [is_in(browser), is_in(browser)] == [True, True]
        assert issuer.renewals == posted, number
    assert b"r+" not in bytes(UserSession.objects.get().company_proof or b"")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "invalid_grant"),
        (400, "interaction_required"),
        (401, "invalid_grant"),
        (403, "invalid_grant"),
        (403, "access_denied"),
        (401, "unauthorized"),
        (200, "invalid_grant"),
    ],
)
def test_a_disabled_account_is_signed_out_at_the_next_request(
    browser: Client, issuer: FakeIssuer, status: int, error: str
) -> None:
    issuer.refusal = (status, {"error": error, "access_token": "x"})
    let_pass(browser)

    response = browser.get("/account")

    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/sign-in")
    assert not UserSession.objects.exists() and not is_in(browser)
    assert browser.get("/api/v1/me").status_code in (401, 403)


def test_a_write_of_an_ended_session_changes_nothing(browser: Client, issuer: FakeIssuer, owner: User) -> None:
    issuer.refusal = (400, {"error": "invalid_grant"})
    let_pass(browser)

    response = browser.post("/account/order", {"order": "name", "full_name": "Mallory"})

    assert response.status_code in (302, 401, 403)
    owner.refresh_from_db()
    assert owner.full_name != "Mallory"


def test_a_renewal_for_somebody_else_ends_the_session(browser: Client, issuer: FakeIssuer) -> None:
    issuer.claims |= {"sub": "2"}
    let_pass(browser)

    assert not is_in(browser)


def test_without_a_refresh_token_the_minutes_of_the_tenant_count(
    company: CompanySignIn, issuer: FakeIssuer, owner: User
) -> None:
    issuer.refresh_token, issuer.description = "", {}
    CompanySignIn.objects.update(session_minutes=60)
    browser = enter(issuer)
    assert issuer.asked["scope"] == "openid email profile"

    let_pass(browser, 59)
    assert is_in(browser)
    let_pass(browser, 2)
    assert not is_in(browser) and issuer.renewals == []


@pytest.mark.parametrize(
    "refusal",
    [
        (500, {}),
        (503, {"error": "invalid_grant"}),
        (400, {"error": "invalid_client"}),
        (401, {"error": "invalid_client"}),
        (403, {"error": "unauthorized_client"}),
        (400, {"error": ["invalid_grant"]}),
        (429, {"error": "access_denied"}),
        (200, {}),
        (200, {"token_type": "Bearer", "access_token": ""}),
        (200, {"error": "server_error", "access_token": "x"}),
    ],
    ids=str,
)
def test_an_issuer_that_does_not_say_is_asked_again_for_an_hour(
    browser: Client, issuer: FakeIssuer, refusal: tuple[int, Any]
) -> None:
    issuer.refusal = refusal
    let_pass(browser)
    assert is_in(browser) and is_in(browser) and len(issuer.renewals) == 1

    let_pass(browser, 2)
    assert is_in(browser) and len(issuer.renewals) == 2
    let_pass(browser, GRACE_SECONDS / 60)
    assert not is_in(browser)


def test_no_other_issuer_gets_the_token(browser: Client, issuer: FakeIssuer, company: CompanySignIn) -> None:
    company.client_id = "another"
    company.save()
    let_pass(browser)

    assert not is_in(browser) and issuer.renewals == []


def test_requests_at_once_ask_once(browser: Client, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second request that comes while the issuer is being asked goes on."""
    renew = company_sessions.company_issuer.renew
    answers: list[bool] = []

    def and_another(*args: Any, **named: Any) -> str:
        other = Client()
        other.cookies = browser.cookies
        answers.append(is_in(other))
        return renew(*args, **named)

    monkeypatch.setattr(company_sessions.company_issuer, "renew", and_another)
    let_pass(browser)

    assert is_in(browser) and answers == [True] and issuer.renewals == ["r"]


def test_sessions_that_began_otherwise_are_not_asked_about(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, harbor: Tenant
) -> None:
    browser = Client()
    browser.post("/sign-in", {"username": owner.email, "password": PASSWORD})

    assert is_in(browser) and _CHECK not in browser.session
    theirs = enter(issuer)
    CompanySignIn.objects.update(is_enabled=False)
    let_pass(theirs, 300)
    assert is_in(theirs) and issuer.renewals == []


def test_a_code_after_the_company_begins_such_a_session_and_another_user_none(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, harbor: Tenant
) -> None:
    device = TOTPDevice.objects.create(user=owner, name="app", confirmed=True)
    colleague = User.objects.create_user("colleague@harbor.example", PASSWORD, role="agent", tenant=harbor)
    half, other = Client(), Client()
    for one in (half, other):
        one.get(f"{FINISH}?{issuer.visit(one.get(GO)['Location'])}")
        assert not is_in(one)

    half.post("/sign-in/code", {"code": code_of(device)})
    other.post("/sign-in", {"username": colleague.email, "password": PASSWORD})

    assert is_in(half) and _CHECK in half.session
    assert is_in(other) and _CHECK not in other.session


def code_of(device: TOTPDevice) -> str:
    code = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    code.time = time.time()
    return f"{code.token():06}"


@pytest.mark.parametrize("with_code", [False, True])
def test_a_sign_in_in_the_browser_of_another_user_is_asked_about_too(
    company: CompanySignIn, issuer: FakeIssuer, owner: User, member: User, with_code: bool
) -> None:
    device = TOTPDevice.objects.create(user=owner, name="app", confirmed=True) if with_code else None
    browser = Client()
    browser.post("/sign-in", {"username": member.email, "password": PASSWORD})
    browser.get(f"{FINISH}?{issuer.visit(browser.get(GO)['Location'])}")
    if device is not None:
        assert browser.post("/sign-in/code", {"code": code_of(device)}).status_code == 302

    assert browser.session["_auth_user_id"] == str(owner.pk) and is_in(browser)
    assert UserSession.objects.get(user=owner).session_key == browser.session.session_key
    issuer.refusal = (400, {"error": "invalid_grant"})
    let_pass(browser)
    assert not is_in(browser) and issuer.renewals == ["r"]


def test_a_password_after_the_company_begins_a_session_that_is_not_asked_about(
    browser: Client, issuer: FakeIssuer, owner: User
) -> None:
    """The other way round in the same browser: of a check that is not this session's nothing is left."""
    device = TOTPDevice.objects.create(user=owner, name="app", confirmed=True)
    session = browser.session
    session["second_factor"] = {
        "user": str(owner.pk),
        "hash": owner.get_session_auth_hash(),
        "backend": "tenants.backends.EmailBackend",
        "until": time.time() + 300,
        "next": "",
    }
    session.save()

    assert browser.post("/sign-in/code", {"code": code_of(device)}).status_code == 302
    assert is_in(browser) and _CHECK not in browser.session


def test_checks_do_not_extend_a_session(browser: Client, issuer: FakeIssuer) -> None:
    key = browser.session.session_key
    end = Session.objects.get(session_key=key).expire_date

    for number in (1, 2):
        let_pass(browser)
        assert is_in(browser) and len(issuer.renewals) == number
        assert Session.objects.get(session_key=key).expire_date == end
    assert end - timezone.now() <= timedelta(hours=12)


def test_a_socket_waits_for_the_check_of_a_request(browser: Client, issuer: FakeIssuer) -> None:
    key = browser.session.session_key or ""
    grant = session_grant(key)
    let_pass(browser, 20)

    assert grants_in_force([grant]) == set() and grants_in_force([grant], with_overdue=True) == {("session", key)}
    with pytest.raises(Refused) as refused:
        session_grant(key)
    assert (refused.value.status, refused.value.code) == (401, "not_authenticated")

    assert is_in(browser) and issuer.renewals == ["r"]
    assert grants_in_force([session_grant(key)]) == {("session", key)}


def test_sockets_stay_while_a_check_is_hardly_due_and_where_nobody_is_asked(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = browser.session.session_key or ""
    let_pass(browser, 20)
    CompanySignIn.objects.update(is_enabled=False)
    assert grants_in_force([session_grant(key)]) == {("session", key)}

    CompanySignIn.objects.update(is_enabled=True)
    monkeypatch.setattr(company_sessions, "OVERDUE_SECONDS", 3_600)
    assert grants_in_force([session_grant(key)]) == {("session", key)}


def test_the_account_page_says_who_asks_for_the_second_factor(
    browser: Client, company: CompanySignIn, owner: User
) -> None:
    said = "Its second factor is requested there"
    assert said not in browser.get("/account").content.decode()
    CompanySignIn.objects.update(is_required=True)

    page = browser.get("/account").content.decode()
    assert said in page and "Change its password there." in page and "Set up a second factor" in page

    owner.set_unusable_password()
    owner.save(update_fields=["password"])
    browser.logout()
    browser.force_login(owner, backend="tenants.backends.EmailBackend")
    page = browser.get("/account").content.decode()
    assert said in page and "None is requested here." in page and "Set up a second factor" not in page
    assert browser.post("/account/order", {"order": "begin"}).status_code == 409
    assert not TOTPDevice.objects.exists()
