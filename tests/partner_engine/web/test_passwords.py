"""A password by a link from a mail: after it was forgotten, and as the first one of an invited user."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from catalogue.models import Release
from partner_engine import account_links
from partner_engine.account_mails import send_due_mails
from tenants.models import AccountMail, User
from tests.harness.cast import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "another-quiet-lantern-43"


def ask(email: str, client: Client | None = None) -> HttpResponse:
    return (client or Client()).post("/password/forgot", {"email": email})


def link() -> str:
    """Return the path of the link in the last mail."""
    send_due_mails("default")
    found = re.search(r"http://testserver(/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found.group(1)


def choose(path: str, password: str = NEW, again: str = "") -> HttpResponse:
    """Open the link and choose a password."""
    client = Client()
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    return client.post(opened["Location"], {"new_password1": password, "new_password2": again or password})


def can_sign_in(user: User, password: str) -> bool:
    return Client().post("/sign-in", {"username": user.email, "password": password}).status_code == 302


@pytest.mark.parametrize("name", ["owner", "staff"])
def test_a_forgotten_password_is_replaced_once_and_ends_all_sessions(
    name: str, demo: Release, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(name)
    session = Client()
    session.post("/sign-in", {"username": user.email, "password": PASSWORD})
    for _ in range(6):
        Client().post("/sign-in", {"username": user.email, "password": "wrong"})

    shown = ask(user.email.upper())
    path = link()
    done = choose(path)

    assert "Check your email" in shown.content.decode()
    assert (mail.outbox[0].to, mail.outbox[0].subject) == ([user.email], "Choose a new password")
    assert done["Location"] == "/sign-in?done=reset"
    # A locked name is free again, the old password and the sessions are not.
    assert can_sign_in(user, NEW)
    assert not can_sign_in(user, PASSWORD)
    assert session.get("/" if user.tenant_id else "/admin/").status_code == 302
    assert (choose(path).status_code, AccountMail.objects.count()) == (404, 0)


def test_known_and_unknown_addresses_get_the_same_page_by_the_same_work(owner: User) -> None:
    inactive = User.objects.create_user("gone@harbor.example", PASSWORD, role="agent", tenant=owner.tenant)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    emails = [owner.email, "nobody@harbor.example", inactive.email]

    pages = [re.sub(r"\w{64}", "", ask(email).content.decode()).replace(email, "") for email in emails]

    assert len(set(pages)) == 1
    assert sorted(AccountMail.objects.values_list("email", flat=True)) == sorted(emails)
    send_due_mails("default")
    assert [sent.to for sent in mail.outbox] == [[owner.email]]
    assert not AccountMail.objects.exists()


@pytest.mark.parametrize(
    "change", ["new password", "new address", "sessions ended", "signed in", "switched off", "hour over"]
)
def test_a_link_ends_with_any_change_of_the_account(
    change: str, owner: User, demo: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(owner.email)
    path = link()
    owner.refresh_from_db()
    if change == "new password":
        owner.set_password("something-else-43")
    elif change == "new address":
        owner.email = "ona@harbor.example"
    elif change == "sessions ended":
        owner.refuse_older_sessions()
    elif change == "signed in":
        owner.last_login = timezone.now() + timedelta(seconds=5)
    elif change == "switched off":
        owner.is_active = False
    else:
        now = account_links.RESET_TOKENS._now
        monkeypatch.setattr(account_links.RESET_TOKENS, "_now", lambda: now() + timedelta(hours=1, seconds=2))
    owner.save()

    assert choose(path).status_code == 404
    assert not can_sign_in(owner, NEW)


@pytest.mark.parametrize(("password", "again"), [("short1", ""), ("password", ""), (NEW, "different"), ("x" * 201, "")])
def test_a_wrong_password_changes_nothing_and_the_link_stays(
    password: str, again: str, owner: User, demo: Release
) -> None:
    ask(owner.email)
    path = link()

    refused = choose(path, password, again)

    assert (refused.status_code, 'role="alert"' in refused.content.decode()) == (422, True)
    assert can_sign_in(owner, PASSWORD)


@pytest.mark.parametrize("path", ["/password/set/x/y", "/invitation/x/y", "/password/set/MDE5/c-0"])
def test_an_invented_link_is_no_longer_valid(path: str, owner: User) -> None:
    assert "no longer valid" in Client().get(path).content.decode()


def test_a_link_of_one_purpose_does_not_open_the_other(owner: User) -> None:
    reset, invitation = account_links.reset_path(owner), account_links.invitation_path(owner)

    assert Client().get(reset.replace("/password/set/", "/invitation/")).status_code == 404
    assert Client().get(invitation.replace("/invitation/", "/password/set/")).status_code == 404


def test_an_invitation_is_valid_for_a_week(owner: User, demo: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = account_links.INVITATION_TOKENS
    path, now = account_links.invitation_path(owner), tokens._now

    monkeypatch.setattr(tokens, "_now", lambda: now() + timedelta(days=7, seconds=2))
    assert choose(path).status_code == 404
    monkeypatch.setattr(tokens, "_now", lambda: now() + timedelta(days=6))
    assert choose(path)["Location"] == "/sign-in?done=invited"
    assert can_sign_in(owner, NEW)


def test_the_log_and_later_addresses_hold_no_token(owner: User) -> None:
    path = account_links.reset_path(owner)
    with capture_logs() as logs:
        opened = Client().get(path)

    token = path.rpartition("/")[2]
    assert token not in str(logs)
    assert token not in opened["Location"]


def test_mails_to_one_address_and_from_one_address_are_limited(owner: User, limits_on: None) -> None:
    statuses = [ask(owner.email).status_code for _ in range(6)]
    others = [ask(f"nobody{number}@harbor.example").status_code for number in range(15)]

    assert (set(statuses), AccountMail.objects.filter(email=owner.email).count()) == ({200}, 3)
    assert others == [200] * 14 + [429]


def test_no_mail_is_lost_while_the_server_is_away(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(message: EmailMessage, **options: object) -> int:
        raise SMTPServerDisconnected

    ask(owner.email)
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", fail)
        send_due_mails("default")
        send_due_mails("default")

    [waiting] = AccountMail.objects.all()
    assert (waiting.attempts, mail.outbox) == (1, [])
    AccountMail.objects.update(next_attempt_at=timezone.now())
    assert link().startswith("/password/set/")


@pytest.mark.parametrize("email", ["", "no-address", "x" * 250 + "@harbor.example", "a\0b@harbor.example"])
def test_what_is_no_address_is_refused(email: str) -> None:
    assert ask(email).status_code in (400, 422)
    assert not AccountMail.objects.exists()


#: Letters whose capitals (or small letters) are those of others, and whether Python's small letter is the plain one.
LOOKALIKES = {"k\u0131m.sims": False, "kim.\u017fims": False, "\u212aim.sims": True}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_link_goes_to_the_mailbox_of_the_account_and_no_similar_one(name: str, owner: User, demo: Release) -> None:
    user = User.objects.create_user("kim.sims@harbor.example", PASSWORD, role="agent", tenant=owner.tenant)
    typed = f"{name}@harbor.example"
    expected = [[user.email]] if LOOKALIKES[name] else []

    ask(typed)
    send_due_mails("default")

    assert [sent.to for sent in mail.outbox] == expected
    # Nor for a row that was stored as typed.
    AccountMail.objects.create(
        kind="reset", email=typed, origin="http://testserver", created_at=timezone.now(), next_attempt_at=timezone.now()
    )
    send_due_mails("default")
    assert [sent.to for sent in mail.outbox] == expected * 2
    assert User.objects.with_email(typed).exists() == LOOKALIKES[name]


def test_in_production_no_link_leads_to_the_host_of_the_request(owner: User, settings: Settings) -> None:
    settings.DEVELOPMENT, settings.PUBLIC_URL = False, "https://forms.example.com/"
    ask(owner.email)
    settings.PUBLIC_URL = ""
    ask(owner.email)

    origins = AccountMail.objects.order_by("created_at", "pk").values_list("origin", flat=True)

    assert sorted(origins) == ["", "https://forms.example.com"]
