"""The own account: name, password, sessions, and the second factor with its recovery codes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_redis.client import DefaultClient
from django_redis.exceptions import ConnectionInterrupted

from actions.kinds import Purge
from actions.maintenance import purge
from actions.models import OutboxAction
from actions.relay import drain
from catalogue.models import Release
from partner_engine import account_changes
from partner_engine.live.grants import session_grant
from partner_engine.problems import Refused
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User, UserSession
from tests.harness.cast import PASSWORD
from tests.harness.outboxes import delivered

NEW = "another-quiet-lantern-43"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def signed_in(user: User, password: str = PASSWORD, code: str = "") -> Client:
    """Return a browser that signed in through the pages."""
    client = Client(headers={"User-Agent": FIREFOX})
    client.post("/sign-in", {"username": user.email, "password": password})
    if code:
        client.post("/sign-in/code", {"code": code})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def order(client: Client, name: str, **fields: str) -> HttpResponse:
    return client.post("/account/order", {"order": name, **fields})


def text_of(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def app_code(user: User) -> str:
    """Return the code that the user's app shows; each is valid only once."""
    device = TOTPDevice.objects.get(user=user)
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    return f"{TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token():06d}"


def mails_of(tenant: Tenant) -> list[str]:
    with use_tenant(tenant):
        rows = OutboxAction.objects.filter(kind="send_account_changed_mail")
        return [row.payload["change"] for row in rows]


@pytest.fixture
def browser(demo: Release, owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def recovery_codes(browser: Client, owner: User) -> list[str]:
    """Set up the second factor; return its recovery codes."""
    order(browser, "begin")
    page = text_of(order(browser, "confirm", password=PASSWORD, code=app_code(owner)))
    return re.findall(r"<code>(\w{5}-\w{5})</code>", page)


def test_the_name_is_changed(browser: Client, owner: User) -> None:
    done = order(browser, "name", full_name="  Ona   Q. Owner ")
    refused = order(browser, "name", full_name=" ")

    owner.refresh_from_db()
    assert done.headers["Location"] == "/account?done=name"
    assert owner.full_name == "Ona Q. Owner"
    assert (refused.status_code, "Enter your name" in text_of(refused)) == (422, True)


def test_the_theme_of_the_account_comes_before_that_of_the_browser(browser: Client, owner: User) -> None:
    browser.cookies["theme"] = "light"
    assert 'data-theme="light"' in text_of(browser.get("/account"))

    assert order(browser, "theme", theme="dark").status_code == 204
    elsewhere = signed_in(owner)
    assert 'data-theme="dark"' in text_of(browser.get("/account"))
    assert 'data-theme="dark"' in text_of(elsewhere.get("/account"))
    assert order(elsewhere, "theme", theme="system").status_code == 204
    assert "data-theme" not in text_of(browser.get("/account"))

    refused = order(browser, "theme", theme='"><script>')
    owner.refresh_from_db()
    assert (refused.status_code, owner.theme) == (422, "system")


def test_a_new_password_ends_the_other_sessions_and_is_reported(
    browser: Client, owner: User, member: User, harbor: Tenant
) -> None:
    other, colleague = signed_in(owner), signed_in(member)

    done = order(browser, "password", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)

    assert done.headers["Location"] == "/account?done=password"
    assert (is_in(browser), is_in(other), is_in(colleague)) == (True, False, True)
    assert is_in(signed_in(owner, NEW))
    assert not is_in(signed_in(owner, PASSWORD))
    assert mails_of(harbor) == ["Your password was changed"]
    drain("default", until_empty=True)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([owner.email], "Your password was changed")
    assert "If it was not you" in sent.body


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"old_password": "wrong"}, "The current password is wrong. Enter the one that you sign in with"),
        ({"new_password2": "different-lantern"}, "didn’t match"),
        ({"new_password1": "password", "new_password2": "password"}, "too common"),
        ({"new_password1": "short1", "new_password2": "short1"}, "too short"),
        ({"new_password1": "x" * 201, "new_password2": "x" * 201}, "at most 200 characters"),
    ],
)
def test_a_wrong_or_weak_password_changes_nothing(
    fields: dict[str, str], problem: str, browser: Client, owner: User, harbor: Tenant
) -> None:
    other = signed_in(owner)

    refused = order(
        browser, "password", **{"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **fields}
    )

    assert (refused.status_code, problem in text_of(refused)) == (422, True)
    assert 'aria-invalid="true"' in text_of(refused)
    assert is_in(other)
    assert mails_of(harbor) == []


def test_guesses_of_the_password_are_limited(browser: Client, owner: User) -> None:
    fields = {"new_password1": NEW, "new_password2": NEW}
    for _ in range(5):
        assert order(browser, "password", old_password="wrong", **fields).status_code == 422

    refused = order(browser, "password", old_password=PASSWORD, **fields)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_sessions_are_listed_and_ended_one_by_one(browser: Client, owner: User, member: User) -> None:
    other, colleague = signed_in(owner), signed_in(member)
    shown = browser.get("/account").context["sessions"]

    assert [(one.browser, one.is_current) for one in shown] == [
        ("Firefox on Linux", True),
        ("Firefox on Linux", False),
    ]
    order(browser, "session", session=shown[1].key)

    assert (is_in(browser), is_in(other), is_in(colleague)) == (True, False, True)
    assert len(browser.get("/account").context["sessions"]) == 1


def test_nobody_ends_the_session_of_a_colleague(browser: Client, member: User) -> None:
    colleague = signed_in(member)
    (theirs,) = colleague.get("/account").context["sessions"]

    order(browser, "session", session=theirs.key)

    assert is_in(colleague)


def test_signing_out_forgets_the_session(browser: Client, owner: User) -> None:
    signed_in(owner).post("/sign-out")

    assert [note.session_key for note in UserSession.objects.all()] == [browser.session.session_key]


@pytest.mark.parametrize("end", ["expired", "deleted"])
def test_sessions_that_ended_are_purged(end: str, browser: Client, owner: User, harbor: Tenant) -> None:
    key = signed_in(owner).session.session_key
    if end == "expired":
        Session.objects.filter(session_key=key).update(expire_date=timezone.now())
    else:
        Session.objects.filter(session_key=key).delete()

    with use_tenant(harbor):
        for what in ("sign-ins", "sessions"):
            purge(delivered(Purge(what=what), harbor))

    left = browser.session.session_key
    assert [note.session_key for note in UserSession.objects.all()] == [left]
    assert [session.session_key for session in Session.objects.all()] == [left]


def test_all_other_sessions_are_ended(browser: Client, owner: User) -> None:
    others = [signed_in(owner), signed_in(owner)]

    order(browser, "sessions")

    assert [is_in(client) for client in (browser, *others)] == [True, False, False]
    assert UserSession.objects.filter(user=owner).count() == 1


@pytest.fixture
def cache_without_deletes(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let the cache refuse deletes, as without Redis, so that ended sessions stay in it."""

    def refuse(client: DefaultClient, *args: object, **options: object) -> None:
        raise ConnectionInterrupted(client)

    monkeypatch.setattr(DefaultClient, "delete", refuse)
    monkeypatch.setattr(DefaultClient, "delete_many", refuse)
    return monkeypatch


@pytest.mark.parametrize("name", ["session", "sessions"])
def test_an_ended_session_does_not_return_from_the_cache(
    name: str, browser: Client, owner: User, cache_without_deletes: pytest.MonkeyPatch
) -> None:
    other = signed_in(owner)
    key = browser.get("/account").context["sessions"][1].key

    done = order(browser, name, session=key)

    cache_without_deletes.undo()
    assert done.headers["Location"] == "/account?done=sessions"
    assert SessionStore(other.session.session_key).load() != {}
    assert (is_in(browser), is_in(other)) == (True, False)
    assert other.get("/api/v1/application_forms").status_code == 401
    assert len(browser.get("/account").context["sessions"]) == 1


def test_a_session_that_was_signed_out_does_not_return_from_the_cache(
    owner: User, demo: Release, cache_without_deletes: pytest.MonkeyPatch
) -> None:
    client, thief = signed_in(owner), Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = key = client.session.session_key or ""
    assert is_in(thief)

    client.post("/sign-out")

    cache_without_deletes.undo()
    assert SessionStore(key).load() != {}
    assert not is_in(thief)
    assert thief.get("/api/v1/application_forms").status_code == 401
    assert is_in(signed_in(owner))


@pytest.mark.parametrize("name", ["confirm", "codes", "remove"])
def test_a_change_of_the_second_factor_refuses_sessions_that_nobody_noted(
    name: str, browser: Client, owner: User, request: pytest.FixtureRequest
) -> None:
    if name == "confirm":
        order(browser, "begin")
    else:
        request.getfixturevalue("recovery_codes")
    other = Client()
    owner.refresh_from_db()
    other.force_login(owner, backend="tenants.backends.EmailBackend")
    key = other.session.session_key or ""
    assert session_grant(key)
    assert other.get("/api/v1/application_forms").status_code == 200

    order(browser, name, password=PASSWORD, code=app_code(owner))

    assert (is_in(browser), is_in(other)) == (True, False)
    assert other.get("/api/v1/application_forms").status_code == 401
    with pytest.raises(Refused, match="Sign in first"):
        session_grant(key)


def test_a_second_factor_whose_mail_cannot_be_emitted_is_not_set_up(
    browser: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError

    order(browser, "begin")
    code = app_code(owner)
    monkeypatch.setattr(account_changes, "report_change", fail)

    with pytest.raises(RuntimeError):
        order(browser, "confirm", password=PASSWORD, code=code)

    assert not TOTPDevice.objects.get(user=owner).confirmed
    assert not StaticToken.objects.exists()
    assert is_in(browser)


def test_the_page_never_shows_the_secret_of_a_session(browser: Client, owner: User) -> None:
    other = signed_in(owner)

    page = browser.get("/account").content.decode()

    for client in (browser, other):
        assert client.session.session_key is not None
        assert client.session.session_key not in page


def test_a_code_and_the_password_set_up_the_second_factor(browser: Client, owner: User, harbor: Tenant) -> None:
    other = signed_in(owner)
    begun = text_of(order(browser, "begin"))
    wrong = order(browser, "confirm", password="wrong", code=app_code(owner))
    early = signed_in(owner)

    done = text_of(order(browser, "confirm", password=PASSWORD, code=app_code(owner)))

    assert "factor-code" in begun and "<svg" in begun
    assert (wrong.status_code, "The password is wrong." in text_of(wrong)) == (422, True)
    assert "factor-code" in text_of(wrong)
    assert len(re.findall(r"<code>\w{5}-\w{5}</code>", done)) == 10
    assert (is_in(browser), is_in(other), is_in(early)) == (True, False, False)
    assert mails_of(harbor) == ["A second factor was set up"]
    assert "factor-code" not in text_of(browser.get("/account"))


def test_signing_in_asks_for_the_code(browser: Client, owner: User, recovery_codes: list[str]) -> None:
    client = Client()
    first = client.post("/sign-in", {"username": owner.email, "password": PASSWORD, "next": "/quotes"})

    assert first.headers["Location"] == "/sign-in/code"
    assert client.get("/account").status_code == 302
    wrong = client.post("/sign-in/code", {"code": "12345"})
    assert "This code is wrong or too old" in text_of(wrong)
    assert client.get("/account").status_code == 302
    assert client.post("/sign-in/code", {"code": app_code(owner)}).headers["Location"] == "/quotes"
    assert is_in(client)
    assert client.get("/sign-in/code").headers["Location"] == "/sign-in"


def test_a_recovery_code_is_valid_once(browser: Client, owner: User, recovery_codes: list[str]) -> None:
    assert is_in(signed_in(owner, code=recovery_codes[0].upper()))
    assert not is_in(signed_in(owner, code=recovery_codes[0]))
    StaticDevice.objects.update(throttling_failure_count=0)
    assert is_in(signed_in(owner, code=recovery_codes[1].replace("-", "")))
    assert "8 of 10 recovery codes" in text_of(browser.get("/account"))


def test_guesses_of_the_code_are_limited(browser: Client, owner: User, recovery_codes: list[str]) -> None:
    client = Client()
    client.post("/sign-in", {"username": owner.email, "password": PASSWORD})
    for _ in range(5):
        assert client.post("/sign-in/code", {"code": "000"}).status_code == 200
        TOTPDevice.objects.update(throttling_failure_count=0)

    refused = client.post("/sign-in/code", {"code": app_code(owner)})

    assert refused.status_code == 429
    assert "too many wrong codes" in text_of(refused)
    assert not is_in(client)


def throttled_code(user: User) -> str:
    """Return the code that the app shows, while the device takes none for about a minute."""
    code = app_code(user)
    TOTPDevice.objects.update(throttling_failure_count=7, throttling_failure_timestamp=timezone.now())
    return code


def test_a_right_code_that_comes_too_early_is_not_called_wrong(
    browser: Client, owner: User, recovery_codes: list[str]
) -> None:
    client = Client()
    client.post("/sign-in", {"username": owner.email, "password": PASSWORD})

    early = client.post("/sign-in/code", {"code": throttled_code(owner)})
    refused = order(browser, "remove", password=PASSWORD, code=throttled_code(owner))

    for response in (early, refused):
        assert response.status_code == 429
        assert 50 < int(response.headers["Retry-After"]) <= 64
        assert "This code is wrong" not in text_of(response)
    assert client.post("/sign-in/code", {"code": app_code(owner)}).status_code == 302
    assert TOTPDevice.objects.filter(user=owner).exists()


def test_a_first_code_that_comes_too_early_is_not_called_wrong(browser: Client, owner: User) -> None:
    order(browser, "begin")

    refused = order(browser, "confirm", password=PASSWORD, code=throttled_code(owner))

    assert refused.status_code == 429
    assert "factor-code" in text_of(refused)
    assert order(browser, "confirm", password=PASSWORD, code=app_code(owner)).status_code == 200


def test_a_code_without_a_password_opens_nothing(demo: Release, owner: User) -> None:
    assert Client().get("/sign-in/code").headers["Location"] == "/sign-in"
    assert Client().post("/sign-in/code", {"code": "123456"}).headers["Location"] == "/sign-in"


@pytest.mark.parametrize("change", ["late", "password"])
def test_a_right_password_is_not_remembered_for_long(
    change: str, browser: Client, owner: User, recovery_codes: list[str]
) -> None:
    client = Client()
    client.post("/sign-in", {"username": owner.email, "password": PASSWORD})
    if change == "late":
        session = SessionStore(client.session.session_key)
        session["second_factor"] = session["second_factor"] | {"until": 0}
        session.save()
    else:
        owner.refresh_from_db()
        owner.set_password(NEW)
        owner.save()

    assert client.post("/sign-in/code", {"code": app_code(owner)}).headers["Location"] == "/sign-in"


def test_new_recovery_codes_replace_the_earlier_ones(browser: Client, owner: User, recovery_codes: list[str]) -> None:
    done = text_of(order(browser, "codes", password=PASSWORD, code=app_code(owner)))

    fresh = re.findall(r"<code>(\w{5}-\w{5})</code>", done)
    assert len(fresh) == 10
    assert "All other sessions have been ended." in done
    assert not {*fresh} & {*recovery_codes}
    assert not is_in(signed_in(owner, code=recovery_codes[0]))
    assert StaticToken.objects.filter(device__user=owner).count() == 10


def test_removing_the_second_factor_needs_the_password_and_a_code(
    browser: Client, owner: User, harbor: Tenant, recovery_codes: list[str]
) -> None:
    assert order(browser, "remove", password=PASSWORD, code="000").status_code == 422
    assert order(browser, "remove", password="wrong", code=app_code(owner)).status_code == 422
    assert TOTPDevice.objects.filter(user=owner).exists()

    done = order(browser, "remove", password=PASSWORD, code=recovery_codes[3])

    assert done.headers["Location"] == "/account?done=removed"
    assert not TOTPDevice.objects.filter(user=owner).exists()
    assert is_in(signed_in(owner))
    assert mails_of(harbor) == ["A second factor was set up", "Your second factor was removed"]


def test_an_app_is_not_replaced_without_removing_it(browser: Client, owner: User, recovery_codes: list[str]) -> None:
    refused = order(browser, "begin")

    assert refused.status_code == 409
    assert TOTPDevice.objects.get(user=owner).confirmed


def test_staff_with_a_second_factor_enter_it_on_the_common_page(
    demo: Release, staff: User, sign_in: Callable[[User], Client]
) -> None:
    TOTPDevice.objects.create(user=staff, confirmed=True)

    client = signed_in(staff, code=app_code(staff))

    assert client.get("/admin/").status_code == 200


def test_an_unknown_order_changes_nothing(browser: Client) -> None:
    assert order(browser, "promote").status_code == 422


def test_the_account_is_linked_from_every_page(browser: Client) -> None:
    assert 'href="/account"' in browser.get("/").content.decode()
