"""Guest links: issued, followed once, limited in number, revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from actions.kinds import SendGuestCompletionMail
from batch import errors
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.mutators.guest_links import MOST_LINKS
from forms.models import GuestLink
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import Saved, only, other_events

pytestmark = pytest.mark.django_db

MakeForm = Callable[..., UUID]


def test_a_guests_link_is_followed_once(saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    secrets: list[str] = []

    def issue(changeset: Changeset) -> None:
        secrets.append(changeset.guest_links.issue(valid_for=timedelta(days=7), name="Gus Guest")[1])

    result = saved(issue)
    secret = secrets[-1]

    assert other_events(result) == ["guest_link.issued"]
    with use_tenant(kennels):
        stored = GuestLink.objects.values().get()
    assert secret not in str(stored)
    assert secret not in str(result.changes)
    for wrong in ("", "x" * 43, secrets[0]):
        with (
            batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
            pytest.raises(errors.GuestLinkInvalid),
        ):
            only(context.changeset, "guest_links").exchange(wrong, device="this")
    sessions: list[str] = []

    def exchange(changeset: Changeset, device: str = "this") -> None:
        sessions.append(only(changeset, "guest_links").exchange(secret, device=device))

    followed = saved(exchange)

    assert other_events(followed) == ["guest_link.followed"]
    with use_tenant(kennels):
        stored = GuestLink.objects.values().get()
    assert sessions[0] not in str(stored)
    assert sessions[0] not in str(followed.changes)
    # The response may have been lost: the same page repeats the request.
    assert not saved(exchange).written
    assert len({*sessions}) == 1
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context, pytest.raises(errors.GuestLinkInvalid):
        exchange(context.changeset, device="another")
    assert other_events(saved(lambda changeset: only(changeset, "guest_links").finish())) == ["guest_link.finished"]
    assert not saved(lambda changeset: only(changeset, "guest_links").finish()).written
    assert other_events(saved(lambda changeset: only(changeset, "guest_links").revoke())) == ["guest_link.revoked"]


def test_a_copy_has_a_bounded_number_of_guests_links(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        links = [context.changeset.guest_links.issue(valid_for=timedelta(days=1))[0] for _ in range(MOST_LINKS)]
        with pytest.raises(errors.TooManyGuestLinks, match="End one first"):
            context.changeset.guest_links.issue(valid_for=timedelta(days=1))
        links[0].revoke()
        context.changeset.guest_links.issue(valid_for=timedelta(days=1))
        context.save()

    assert len(batch.find_changeset(form_id, scope=kennels, actor=agent).guest_links) == MOST_LINKS


def test_of_a_locked_copy_guests_links_can_be_ended_and_nothing_else(
    saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    saved(lambda changeset: changeset.guest_links.issue(valid_for=timedelta(days=1)))
    saved(lambda changeset: changeset.copy.lock())
    others: list[Callable[[Changeset], object]] = [
        lambda changeset: changeset.guest_links.issue(valid_for=timedelta(days=1)),
        lambda changeset: only(changeset, "guest_links").finish(),
        lambda changeset: (only(changeset, "guest_links").revoke(), changeset.messages.add("By the way")),
        lambda changeset: (
            only(changeset, "guest_links").revoke(),
            changeset.defer(SendGuestCompletionMail(copy_id=str(form_id))),
        ),
    ]
    for change in others:
        with (
            batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
            pytest.raises(errors.CopyIsLocked),
        ):
            change(context.changeset)
            context.save()

    assert other_events(saved(lambda changeset: only(changeset, "guest_links").revoke())) == ["guest_link.revoked"]
    assert batch.find(form_id, scope=kennels, actor=agent).copy.fields.locked_at is not None
