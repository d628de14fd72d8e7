"""A copy in the admin: its document is readable, its sensitive answers are masked, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from batch import service as batch
from copies.models import Copy, SensitiveReveal
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant, User
from tests.harness.later_releases import publish_release, without_question
from tests.harness.sensitive_kennel import PHONE, SSN, start_kennel

DIGITS = SSN.replace("-", "")


def reveals() -> list[SensitiveReveal]:
    with across_tenants(using="default"):
        return list(SensitiveReveal.objects.all())


def page(client: Client, copy_id: UUID) -> str:
    answer = client.get(reverse("admin:copies_copy_change", args=(copy_id,)))
    assert answer.status_code == 200
    # Ignore line breaks of the templates.
    return " ".join(answer.content.decode().split())


def test_the_document_is_readable(admin: Client, kennel: UUID) -> None:
    text = page(admin, kennel)

    assert "Name of the kennel" in text
    assert "Happy Tails" in text
    assert "Animals in care" in text
    assert "Texas" in text
    assert "Kennel houses 1: North" in text
    assert "Fences of a house 1" in text
    assert "Ona Owner (web)" in text
    assert "Pawprint Mutual Animals in care" in text


def test_an_inactive_answer_is_shown_and_marked(admin: Client, kennel: UUID) -> None:
    text = page(admin, kennel)

    start = text.index("Cats at most")
    assert "(not asked)" in text[start : start + 120]
    assert "<td> 60" in text[start : start + 400]


def test_revisions_show_their_changes(admin: Client, kennel: UUID) -> None:
    text = page(admin, kennel)

    revisions = text[text.index('id="staff-revisions"') :]
    assert revisions.index("Version 2") < revisions.index("Version 1")
    assert "Are cats boarded?" in revisions
    assert "<td>Yes</td> <td>No</td>" in revisions


def test_sensitive_answers_are_masked(admin: Client, kennel: UUID) -> None:
    text = page(admin, kennel)

    assert "•••• 1120" in text
    for plain in (SSN, DIGITS, PHONE, "201-3344"):
        assert plain not in text


def test_personal_answers_are_shown_on_request_and_secret_ones_never(admin: Client, kennel: UUID) -> None:
    address = reverse("admin:copies_copy_personal", args=(kennel,))

    shown = admin.post(address).content.decode()

    assert "(614) 201-3344" in shown
    assert DIGITS not in shown
    assert admin.get(address).status_code == 403


def test_without_the_permission_personal_answers_stay_masked(make_staff: Callable[..., Client], kennel: UUID) -> None:
    junior = make_staff("copies.view_copy")

    text = page(junior, kennel)

    assert "Show personal answers" not in text
    assert junior.post(reverse("admin:copies_copy_personal", args=(kennel,))).status_code == 403


def test_a_sensitive_answer_is_revealed_with_a_recorded_reason(admin: Client, staff: User, kennel: UUID) -> None:
    address = reverse("admin:copies_copy_reveal", args=(kennel,))

    refused = admin.post(address, {"path": "owner_ssn", "purpose": "carrier", "reason": " "})
    shown = admin.post(address, {"path": "owner_ssn", "purpose": "carrier", "reason": "The carrier asked by phone"})

    assert "Give a reason of 10 to 500 characters" in refused.content.decode()
    assert DIGITS not in refused.content.decode().replace("-", "")
    assert DIGITS in shown.content.decode().replace("-", "")
    assert "no-store" in shown.headers["Cache-Control"]
    (proof,) = reveals()
    assert (proof.actor_id, proof.path, proof.reason) == (str(staff.pk), "owner_ssn", "The carrier asked by phone")
    assert (proof.actor_type, proof.source) == ("staff", "admin")


def test_without_the_permission_nothing_is_revealed(make_staff: Callable[..., Client], kennel: UUID) -> None:
    junior = make_staff("copies.view_copy")

    text = page(junior, kennel)
    answer = junior.post(
        reverse("admin:copies_copy_reveal", args=(kennel,)),
        {"path": "owner_ssn", "purpose": "carrier", "reason": "Curious"},
    )

    assert "Reveal…" not in text
    assert answer.status_code == 403
    assert reveals() == []


@pytest.mark.parametrize("view", ["copies_copy_change", "forms_applicationform_change"])
@pytest.mark.parametrize("suffix", ["", "delete/"])
def test_nothing_is_written_here(view: str, suffix: str, admin: Client, kennel: UUID, harbor: Tenant) -> None:
    address = reverse(f"admin:{view}", args=(kennel,)).removesuffix("change/") + (suffix or "change/")

    answer = admin.post(address, {"title": "Other", "post": "yes"})

    assert answer.status_code == 403
    with use_tenant(harbor):
        copy = Copy.objects.get(pk=kennel)
    assert (copy.title, copy.version) == ("Base", 2)


def test_a_copy_of_another_tenant_than_the_chosen_one_is_not_found(admin: Client, kennel: UUID, summit: Tenant) -> None:
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})

    assert admin.get(reverse("admin:copies_copy_change", args=(kennel,))).status_code == 404
    reveal = admin.post(
        reverse("admin:copies_copy_reveal", args=(kennel,)),
        {"path": "owner_ssn", "purpose": "carrier", "reason": "Why not"},
    )
    assert reveal.status_code == 404
    assert reveals() == []


def test_old_revisions_are_on_the_next_page(admin: Client, harbor: Tenant, owner: User, kennels: object) -> None:
    copy_id = start_kennel(harbor, owner)

    first = admin.get(reverse("admin:copies_copy_change", args=(copy_id,)), {"before": 2}).content.decode()

    revisions = first[first.index('id="staff-revisions"') :]
    assert "Version 1" in revisions
    assert "Version 2" not in revisions


def test_revisions_hide_a_personal_answer_whose_question_was_removed_later(
    make_staff: Callable[..., Client], kennel: UUID, harbor: Tenant, owner: User
) -> None:
    publish_release(without_question("owner_phone"))
    with batch.find_and_lock(kennel, scope=harbor, actor=owner.as_actor(source="web")) as context:
        context.changeset.find_answer("kennel_name").apply("Quiet Paws")
        context.save()

    text = page(make_staff("copies.view_copy"), kennel)

    revisions = text[text.index('id="staff-revisions"') :]
    assert "owner_phone" in revisions
    assert PHONE not in text
