"""A user who leaves: no name, address or device of the account is left, and the history stays provable."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from batch import service as batch
from copies.models import CopyRevision
from copies.verification import verify
from forms.models import Message
from operations.models import Erasure
from operations.persons import authors
from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import AccountMail, Tenant, User
from tests.harness.canaries import in_database

pytestmark = pytest.mark.django_db
VALUES = {"email": "rosalindquill@harbor.example", "name": "Rosalind Quillfeather"}


@pytest.fixture
def leaver(kennels: Tenant) -> User:
    """Return a user who has traces in every place."""
    user = User.objects.create_user(VALUES["email"], "x", full_name=VALUES["name"], role=Role.AGENT, tenant=kennels)
    user.full_name = VALUES["name"] + " II"
    user.save()
    user.full_name = VALUES["name"]
    user.save()
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    now = timezone.now()
    AccountMail.objects.create(kind="reset", email=user.email.upper(), created_at=now, next_attempt_at=now)
    return user


@pytest.fixture
def worked_on(leaver: User, kennels: Tenant, make_form: Callable[..., UUID]) -> UUID:
    """Return a form that the user and others have worked on."""
    form_id, actor = make_form(), leaver.as_actor(source="web")
    for cats in (3, 4):
        with batch.find_and_lock(form_id, scope=kennels, actor=actor) as context:
            context.changeset.apply_answers({"has_cats": True, "cat_count": cats}, {})
            context.changeset.messages.add("Call me")
            context.save()
    return form_id


def erase(email: str = VALUES["email"], *, confirm: str = VALUES["email"]) -> str:
    shown = io.StringIO()
    call_command("erase_account", email, confirm=confirm, stdout=shown)
    return shown.getvalue()


def test_nothing_of_the_account_is_left_but_its_id(
    leaver: User, worked_on: UUID, kennels: Tenant, sign_in: Callable[[User], Client]
) -> None:
    browser = sign_in(leaver)
    assert {place for place, _ in in_database(VALUES)} > {"copies_copyrevision.actor_label", "tenants_user.email"}

    shown = erase()

    assert in_database(VALUES) == set()
    leaver.refresh_from_db()
    assert not leaver.is_active and not leaver.has_usable_password() and leaver.full_name == authors.FORMER
    assert browser.get("/account").status_code == 302
    with use_tenant(kennels):
        labels = set(CopyRevision.objects.filter(copy_id=worked_on).values_list("actor_label", flat=True))
        assert labels >= {authors.FORMER, "Robin Agent"}
        assert set(Message.objects.values_list("author_label", flat=True)) == {authors.FORMER}
    assert [one.findings for one in verify(kennels)] == [[]]
    record = Erasure.objects.get()
    assert record.subject == "account" and record.finished_at is not None and f"Certificate {record.pk}" in shown


def test_a_variant_that_forgets_the_amendments_is_noticed(leaver: User, worked_on: UUID, kennels: Tenant) -> None:
    erase()
    with use_tenant(kennels):
        CopyRevision.objects.filter(copy_id=worked_on, actor_label=authors.FORMER).update(actor_label="Somebody")

    assert any(one.findings for one in verify(kennels))


@pytest.mark.parametrize(
    ("email", "confirm", "says"),
    [(VALUES["email"], "else@x.example", "must repeat"), ("nobody@x.example", "nobody@x.example", "No user")],
)
def test_a_slip_erases_nothing(leaver: User, email: str, confirm: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        erase(email, confirm=confirm)
    leaver.refresh_from_db()
    assert leaver.email == VALUES["email"] and Erasure.objects.count() == 0


def test_staff_are_refused(db: None) -> None:
    staff = User.objects.create_superuser("staff@example.com", "x")

    with pytest.raises(CommandError, match="staff"):
        erase(staff.email, confirm=staff.email)
