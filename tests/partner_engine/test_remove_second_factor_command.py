"""``manage.py remove_second_factor``: who has lost the phone gets in with the password again."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from actions.relay import drain
from catalogue.models import Release
from partner_engine import second_factors
from tenants.models import User

REASON = "Ona called back from the number on file"


def remove(user: User, reason: str = REASON) -> str:
    """Run the command for ``user``; return what it printed."""
    printed = StringIO()
    call_command("remove_second_factor", user.email.upper(), reason=reason, stdout=printed)
    return printed.getvalue()


def add_factor(user: User) -> None:
    TOTPDevice.objects.create(user=user, confirmed=True)
    second_factors.new_recovery_codes(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="tenants.backends.EmailBackend")
    return client


def test_it_removes_the_factor_ends_all_sessions_and_mails_the_user(demo: Release, owner: User, member: User) -> None:
    add_factor(owner)
    add_factor(member)
    theirs, colleagues = signed_in(owner), signed_in(member)

    printed = remove(owner)

    assert "A mail reports it to them." in printed
    assert not TOTPDevice.objects.filter(user=owner).exists()
    assert second_factors.recovery_codes_left(owner) == 0
    assert (theirs.get("/account").status_code, colleagues.get("/account").status_code) == (302, 200)
    assert second_factors.confirmed_device(member) is not None
    drain("default", until_empty=True)
    (sent,) = mail.outbox
    assert sent.to == [owner.email]
    assert sent.subject == "The operator of Partner Engine removed your second factor"
    assert "you did not ask for it" in sent.body
    assert "recovery code" not in sent.body


def test_staff_receive_no_mail(demo: Release, staff: User) -> None:
    add_factor(staff)

    assert "notify them yourself" in remove(staff)

    assert second_factors.confirmed_device(staff) is None


def test_it_refuses_without_a_reason_a_factor_or_a_user(demo: Release, owner: User) -> None:
    with pytest.raises(CommandError, match="has no second factor"):
        remove(owner)
    add_factor(owner)
    with pytest.raises(CommandError, match="State a reason"):
        remove(owner, " ")
    with pytest.raises(CommandError, match="No user has the email address"):
        remove(User(email="nobody@harbor.example"))
    # A dotless i, whose capital is that of an i.
    similar = User.objects.create_user("kim@harbor.example", role="agent", tenant=owner.tenant)
    add_factor(similar)
    with pytest.raises(CommandError, match="No user has the email address"):
        call_command("remove_second_factor", "k\u0131m@harbor.example", reason=REASON)

    assert second_factors.confirmed_device(owner) is not None
    assert second_factors.confirmed_device(similar) is not None
