"""Locks in the admin: a copy shows the holder of its lock, and staff with the permission release a stuck lock once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from batch.locks import inspection
from batch.locks.copy_lock import CopyLock, holder_of
from batch.locks.inspection import held_lock
from tenants.access import Actor
from tenants.models import Tenant, User
from tests.harness.broken_redis import refusing_client
from tests.harness.sensitive_kennel import start_kennel

ROBIN = holder_of(Actor(type="user", id="7", source="web", label="Robin <Agent>"))
SHOWN = "Robin &lt;Agent&gt; (user 7)"


@contextmanager
def saving(tenant: Tenant, copy_id: UUID) -> Iterator[CopyLock]:
    """Hold the copy's lock, as a save does."""
    with CopyLock(tenant.pk, copy_id, wait=0, holder=ROBIN) as lock:
        yield lock


def page(client: Client, copy_id: UUID) -> str:
    answer = client.get(reverse("admin:copies_copy_change", args=(copy_id,)))
    assert answer.status_code == 200
    # Ignore line breaks of the templates.
    return " ".join(answer.content.decode().split())


def release_page(copy_id: UUID) -> str:
    return reverse("admin:copies_copy_release_lock", args=(copy_id,))


def identity_of(tenant: Tenant, copy_id: UUID) -> str:
    lock = held_lock(tenant.pk, copy_id)
    assert lock is not None
    return lock.info.identity


def messages_of(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_copy_shows_the_holder_of_its_lock(admin: Client, kennel: UUID, harbor: Tenant) -> None:
    assert "Being saved by" not in page(admin, kennel)

    with saving(harbor, kennel):
        text = page(admin, kennel)

    assert f"Being saved by {SHOWN} since " in text
    assert ROBIN.where in text
    assert "Release lock…" in text
    assert "Being saved by" not in page(admin, kennel)


def test_a_stuck_lock_is_released_after_a_confirmation(
    admin: Client, kennel: UUID, harbor: Tenant, staff: User
) -> None:
    with saving(harbor, kennel) as lock:
        question = admin.get(release_page(kennel)).content.decode()
        assert f"Being saved by {SHOWN}" in question
        assert f'value="{identity_of(harbor, kennel)}"' in question
        assert held_lock(harbor.pk, kennel) is not None

        answer = admin.post(release_page(kennel), {"holding": identity_of(harbor, kennel)})

        assert (answer.status_code, answer["Location"]) == (302, reverse("admin:copies_copy_change", args=(kennel,)))
        assert held_lock(harbor.pk, kennel) is None
        lock.extend()
        assert lock.is_degraded
    assert messages_of(answer) == [f"Released the lock, held by Robin <Agent> (user 7) ({ROBIN.where})."]
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (staff.pk, str(kennel))
    assert entry.get_change_message().startswith("Released the lock, held by Robin")


def test_a_lock_with_another_holder_stays(admin: Client, kennel: UUID, harbor: Tenant) -> None:
    with saving(harbor, kennel):
        seen = identity_of(harbor, kennel)
    with saving(harbor, kennel):
        answer = admin.post(release_page(kennel), {"holding": seen})

        assert held_lock(harbor.pk, kennel) is not None
    assert messages_of(answer) == ["That lock has already been released. Nothing was changed."]
    assert LogEntry.objects.count() == 0


def test_without_the_permission_it_is_refused(make_staff: Callable[..., Client], kennel: UUID, harbor: Tenant) -> None:
    junior = make_staff("copies.view_copy")

    with saving(harbor, kennel):
        text = page(junior, kennel)
        assert f"Being saved by {SHOWN}" in text
        assert "Release lock" not in text
        assert junior.get(release_page(kennel)).status_code == 403
        assert junior.post(release_page(kennel), {"holding": identity_of(harbor, kennel)}).status_code == 403
        assert "Release…" not in junior.get(reverse("admin:locks")).content.decode()

        assert held_lock(harbor.pk, kennel) is not None


def test_with_just_the_permission_it_is_released(
    make_staff: Callable[..., Client], kennel: UUID, harbor: Tenant
) -> None:
    operator = make_staff("copies.view_copy", "copies.release_lock")

    with saving(harbor, kennel):
        operator.post(release_page(kennel), {"holding": identity_of(harbor, kennel)})

        assert held_lock(harbor.pk, kennel) is None


def test_a_copy_of_a_tenant_out_of_view_is_not_released(
    admin: Client, kennel: UUID, harbor: Tenant, summit: Tenant
) -> None:
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})

    with saving(harbor, kennel):
        answer = admin.post(release_page(kennel), {"holding": identity_of(harbor, kennel)})

        assert answer.status_code == 404
        assert held_lock(harbor.pk, kennel) is not None


def test_the_list_shows_the_locks_of_the_tenants_in_view(
    admin: Client, kennel: UUID, harbor: Tenant, summit: Tenant, stranger: User
) -> None:
    other = start_kennel(summit, stranger)
    assert "No copy is being saved" in admin.get(reverse("admin:locks")).content.decode()

    with saving(harbor, kennel), saving(summit, other):
        both = admin.get(reverse("admin:locks")).content.decode()
        admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})
        one = admin.get(reverse("admin:locks")).content.decode()

    assert str(kennel) in both and str(other) in both
    assert SHOWN in both and harbor.name in both and release_page(kennel) in both
    assert str(kennel) not in one and str(other) in one


def test_the_list_needs_the_permission_to_see_copies(make_staff: Callable[..., Client]) -> None:
    assert make_staff("tenants.view_tenant").get(reverse("admin:locks")).status_code == 403


def test_without_redis_pages_report_it(
    admin: Client, kennel: UUID, monkeypatch: pytest.MonkeyPatch, harbor: Tenant
) -> None:
    monkeypatch.setattr(inspection, "get_redis_connection", lambda alias: refusing_client())

    assert "do not wait for each other" in page(admin, kennel)
    assert "Saves continue without locks" in admin.get(reverse("admin:locks")).content.decode()
    assert "so no lock is held" in admin.get(release_page(kennel)).content.decode()
    answer = admin.post(release_page(kennel), {"holding": "0" * 32})
    assert messages_of(answer) == ["Redis is not responding, so no lock is held."]
