"""Long work between two locks: the copy is unlocked during the call, and a hold prevents its cloning."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import F

from batch import errors, misuse
from batch import service as batch
from batch.locks import holds
from batch.processes.selectors import list_abandoned
from catalogue.models import Catalogue, Release
from catalogue.release_pointer import refresh_pointer
from copies.models import CopyRevision
from forms.models import Process
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.tiers import until

pytestmark = pytest.mark.django_db(transaction=True)

MakeForm = Callable[..., UUID]


@pytest.fixture
def form_id(make_form: MakeForm) -> UUID:
    return make_form()


@pytest.fixture
def process_id(form_id: UUID, kennels: Tenant, agent: Actor) -> UUID:
    """Return a running process on the form's copy."""
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        process = context.changeset.processes.start("quoting", step="ask", details={"product": "PA-CARE"})
        context.save()
    return process.id


def held_until(process_id: UUID, scope: Tenant) -> Any:
    with use_tenant(scope):
        return Process.objects.get(id=process_id).held_until


def clone(form_id: UUID, scope: Tenant, actor: Actor) -> UUID:
    with batch.build_copy(form_id, scope=scope, actor=actor) as context:
        context.save()
        return context.copy.id


def test_others_save_while_the_copy_is_unlocked(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        process = context.changeset.processes.start("quoting")
        context.save()
        before = context.changeset

        with context.unlocked(process=process.id, hold=30):
            with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0) as other:
                other.changeset.find_answer("state").apply("OH")
                assert other.save().version == 3

        assert context.version == 3
        with pytest.raises(misuse.StaleReference):
            before.find_answer("state")
        assert context.changeset.find_answer("state").value == "OH"
        context.changeset.processes.find(process.id).complete()
        assert context.save().version == 4
        with pytest.raises(errors.LockNotAcquired), batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0):
            pass


def test_a_copy_is_not_cloned_while_a_process_works_on_it(
    form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with context.unlocked(process=process_id, hold=30):
            with pytest.raises(errors.CopyIsHeld, match="quoting") as refusal:
                clone(form_id, kennels, agent)
            assert refusal.value.code == "copy_held"
        assert held_until(process_id, kennels) is None

    assert clone(form_id, kennels, agent) != form_id


def test_an_error_frees_the_hold_and_the_lock(form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with (
        pytest.raises(TimeoutError),
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
        context.unlocked(process=process_id, hold=30),
    ):
        raise TimeoutError

    assert held_until(process_id, kennels) is None
    clone(form_id, kennels, agent)
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0) as again:
        assert again.version == 2
    with pytest.raises(misuse.ContextClosed):
        assert context.changeset


@pytest.fixture
def quick_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "RENEW_SECONDS", 0.1)


@pytest.mark.usefixtures("quick_leases")
def test_a_hold_is_kept_alive_while_the_process_lives(
    form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context, context.unlocked(process=process_id):
        first = held_until(process_id, kennels)
        until(lambda: held_until(process_id, kennels) != first)
        assert held_until(process_id, kennels) > first
        with pytest.raises(errors.CopyIsHeld):
            clone(form_id, kennels, agent)


def test_a_hold_expires_after_a_crash(form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor) -> None:
    # A killed process renews and releases nothing.
    assert holds._Hold(process_id, form_id, kennels, ends=time.monotonic() + 60).lease()
    with pytest.raises(errors.CopyIsHeld):
        clone(form_id, kennels, agent)

    with use_tenant(kennels):
        length = timedelta(seconds=holds.LEASE_SECONDS)
        Process.objects.filter(id=process_id).update(held_until=F("held_until") - length)

    clone(form_id, kennels, agent)


@pytest.mark.usefixtures("quick_leases")
def test_a_hold_ends_when_its_time_is_over(form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with context.unlocked(process=process_id, hold=0.3):
            time.sleep(0.8)
            clone(form_id, kennels, agent)


def test_unlocking_has_its_rules(form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("state").apply("OH")
        with pytest.raises(misuse.UnsavedChanges, match=r"save\(\)"), context.unlocked():
            pass
        context.save()
        with pytest.raises(misuse.HoldTooLong, match="300"), context.unlocked(process=process_id, hold=301):
            pass
        with pytest.raises(errors.NoRunningProcess), context.unlocked(process=uuid4()):
            pass
        with context.unlocked():
            with pytest.raises(misuse.ContextIsUnlocked, match="unlocked"):
                assert context.changeset
            with pytest.raises(misuse.ContextIsUnlocked):
                context.save()
            with pytest.raises(misuse.ContextIsUnlocked), context.unlocked():
                pass
        assert context.changeset.find_answer("state").value == "OH"
    with pytest.raises(misuse.ContextWithoutLock), batch.find(form_id, scope=kennels, actor=agent).unlocked():
        pass


def test_a_copy_deleted_while_unlocked_is_not_found(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    copy_id = clone(form_id, kennels, agent)
    with batch.find_and_lock(copy_id, scope=kennels, actor=agent) as context:
        with pytest.raises(errors.NotFound), context.unlocked():
            with batch.find_and_lock(copy_id, scope=kennels, actor=agent) as other:
                other.changeset.copy.delete()
                other.save()
        with pytest.raises(misuse.ContextClosed):
            context.save()


def test_an_abandoned_process_is_resumed_at_its_step(
    form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with use_tenant(kennels):
        assert not list_abandoned(idle=timedelta(minutes=5)).exists()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE forms_process SET updated_at = updated_at - interval '6 minutes'")
        (left,) = list_abandoned(idle=timedelta(minutes=5))
    assert (left.id, left.copy_id, left.step, left.details) == (process_id, form_id, "ask", {"product": "PA-CARE"})

    with batch.find_and_lock(left.copy_id, scope=kennels, actor=agent) as context:
        context.changeset.processes.find(left.id).go_on(left.step)
        context.save()
        context.changeset.processes.find(left.id).fail("The carrier does not answer")
        context.save()
        context.changeset.processes.find(left.id).go_on("ask")
        context.changeset.processes.find(left.id).wait("ask")
        context.changeset.processes.find(left.id).complete()
        context.save()

    with use_tenant(kennels):
        process = Process.objects.get()
        assert not list_abandoned(idle=timedelta(0)).exists()
    assert (process.state, process.attempts, process.error) == ("completed", 2, "")


def test_changes_made_while_unlocked_are_current_afterwards(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        first, release = context.save_context.now, context.release.id
        with context.unlocked():
            with batch.find_and_lock(form_id, scope=kennels, actor=agent) as other:
                other.changeset.find_answer("state").apply("OH")
                other.save()
            Release.objects.create(
                catalogue=Catalogue.objects.get(),
                number=2,
                content=Release.objects.get().content,
                checksum="2",
                published_by_id="test",
            )
            refresh_pointer("kennels")
        context.changeset.find_answer("kennel_name").apply("Happier Tails")
        context.save()

        assert context.save_context.now > first
        assert context.release.id != release
        assert context.copy.release_id == context.release.id
    moments = CopyRevision.unscoped_objects.order_by("version").values_list("created_at", flat=True)
    with use_tenant(kennels):
        assert list(moments) == sorted(moments)


def test_a_caller_that_catches_the_error_can_fail_the_process(
    form_id: UUID, process_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        try:
            with context.unlocked(process=process_id):
                raise TimeoutError
        except TimeoutError:
            context.changeset.processes.find(process_id).fail("The carrier does not answer")
        assert context.save().version == 3

    with use_tenant(kennels):
        assert Process.objects.get().state == "failed"


def test_one_at_a_time_holds_for_a_process_and_only_its_own_copy(
    form_id: UUID, process_id: UUID, make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context, context.unlocked(process=process_id):
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as other:
            with pytest.raises(errors.NoRunningProcess), other.unlocked(process=process_id):
                pass
        with pytest.raises(errors.CopyIsHeld):
            clone(form_id, kennels, agent)
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as elsewhere:
        with pytest.raises(errors.NoRunningProcess), elsewhere.unlocked(process=process_id):
            pass
