"""Rotation of keys while the product is in use: wrapping anew, new data keys, and saves meanwhile."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from pytest_django import Settings

from batch import key_rotation
from batch import service as batch
from batch.key_rotation import renew_copy_keys, rewrap_tenant
from batch.reveal import RevealReason, reveal
from copies.models import Copy
from encryption import key_ring
from encryption.envelope import DecryptionFailed
from encryption.key_ring import DataKeyCache, KeyServiceUnavailable
from redis_locks.job_mutex import JobMutex
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.tiers import PATIENCE

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]
SSNS = ["987-65-4320", "987-65-4321", "987-65-4322"]
REASON = RevealReason(purpose="audit", text="For the test of rotation")


def ring(*key_ids: str) -> dict[str, str]:
    return {key_id: base64.b64encode(key_id.encode().ljust(32, b"-")).decode() for key_id in key_ids}


@pytest.fixture
def turn(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what installs other master keys, as a restart would: nothing stays in memory."""

    def install(*key_ids: str) -> None:
        settings.KEYRING = ring(*key_ids)
        key_ring.key_service.cache_clear()
        monkeypatch.setattr(key_ring, "_data_keys", DataKeyCache())

    install("first")
    yield install
    key_ring.key_service.cache_clear()


@pytest.fixture
def copies(turn: Callable[..., None], make_form: MakeForm, kennels: Tenant, agent: Actor) -> list[UUID]:
    """Return copies with a sensitive answer each, the last one locked, after one without."""
    make_form()
    found = [make_form({"owner_ssn": ssn}) for ssn in SSNS]
    with batch.find_and_lock(found[-1], scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()
    return found


def key_ids(tenant: Tenant) -> set[str]:
    with use_tenant(tenant):
        return set(Copy.objects.exclude(wrapped_key=None).values_list("key_id", flat=True))


def read(copies: list[UUID], tenant: Tenant, agent: Actor) -> list[str]:
    return [str(reveal(copy, "owner_ssn", scope=tenant, actor=agent, reason=REASON)) for copy in copies]


def versions(copies: list[UUID], tenant: Tenant) -> list[int]:
    with use_tenant(tenant):
        return [Copy.objects.get(pk=copy).version for copy in copies]


def test_keys_are_wrapped_anew_and_the_old_master_key_can_go(
    copies: list[UUID], kennels: Tenant, agent: Actor, turn: Callable[..., None]
) -> None:
    before, first_versions = read(copies, kennels, agent), versions(copies, kennels)
    turn("first", "second")

    *_, dry = rewrap_tenant(kennels, dry_run=True)
    assert (dry.rewrapped, key_ids(kennels)) == (3, {"first"})
    *_, done = rewrap_tenant(kennels)

    assert (done.looked_at, done.rewrapped, done.left, done.unreadable) == (3, 3, 0, 0)
    turn("second")
    assert read(copies, kennels, agent) == before
    assert versions(copies, kennels) == first_versions
    *_, again = rewrap_tenant(kennels)
    assert again.rewrapped == 0


def test_copies_get_new_data_keys_and_earlier_versions_still_open(
    copies: list[UUID], kennels: Tenant, agent: Actor, turn: Callable[..., None]
) -> None:
    before, first_versions = read(copies, kennels, agent), versions(copies, kennels)

    for number in range(2):
        *_, done = renew_copy_keys(kennels)
        assert (done.renewed, done.left, done.unreadable) == (3, 0, 0), number
    turn("first", "second")
    *_, wrapped = rewrap_tenant(kennels)
    turn("second")

    assert wrapped.rewrapped == 3
    assert read(copies, kennels, agent) == before
    assert versions(copies, kennels) == [version + 2 for version in first_versions]
    call_command("verify_history", all=True, stdout=StringIO(), stderr=StringIO())
    for copy, ssn in zip(copies, before, strict=True):
        sealed = set()
        for version in range(1, versions([copy], kennels)[0] + 1):
            past = batch.find(copy, scope=kennels, actor=agent, version=version).read_only_changeset()
            answer = past.document.answers["owner_ssn"]
            sealed.add(answer.sealed)
            assert past.sealing.reveal("owner_ssn", answer) == ssn
        assert len(sealed) == 3


def test_a_value_that_is_swapped_between_copies_after_a_rotation_does_not_open(
    copies: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    list(renew_copy_keys(kennels))
    contexts = [batch.find(copy, scope=kennels, actor=agent) for copy in copies[:2]]
    answers = [context.read_only_changeset().document.answers["owner_ssn"] for context in contexts]

    for context, foreign in zip(contexts, reversed(answers), strict=True):
        with pytest.raises(DecryptionFailed):
            context.sealer.reveal("owner_ssn", foreign)


def test_a_save_that_loaded_the_old_key_is_caught_by_the_next_pass(
    copies: list[UUID], kennels: Tenant, agent: Actor, turn: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(copies, kennels, agent)
    turn("first", "second")
    write, saved = key_rotation.write_rewraps, []

    def after_a_save(*args: object, **options: object) -> int:
        written = write(*args, **options)
        if not saved:
            saved.append(True)
            context.save()  # writes the key back that it loaded before
        return written

    monkeypatch.setattr(key_rotation, "write_rewraps", after_a_save)
    with batch.find_and_lock(copies[0], scope=kennels, actor=agent) as context:
        context.changeset.find_answer("has_cats").apply(True)
        list(rewrap_tenant(kennels))

    list(rewrap_tenant(kennels))
    assert key_ids(kennels) == {"second"}
    turn("second")
    assert read(copies, kennels, agent) == before


def test_a_data_key_that_was_renewed_meanwhile_is_not_overwritten(
    copies: list[UUID], kennels: Tenant, agent: Actor, turn: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(copies, kennels, agent)
    turn("first", "second")
    write = key_rotation.write_rewraps

    def after_a_renewal(*args: object, **options: object) -> int:
        monkeypatch.setattr(key_rotation, "write_rewraps", write)
        list(renew_copy_keys(kennels))
        return write(*args, **options)

    monkeypatch.setattr(key_rotation, "write_rewraps", after_a_renewal)
    *_, done = rewrap_tenant(kennels)

    assert done.left == 0
    turn("second")
    assert read(copies, kennels, agent) == before


def test_a_key_that_does_not_open_is_reported_and_the_others_are_done(
    copies: list[UUID], kennels: Tenant, turn: Callable[..., None]
) -> None:
    with use_tenant(kennels), connections[kennels.database_alias].cursor() as cursor:
        # All bits of one byte: a fixed byte could be the one that is there.
        cursor.execute(
            "UPDATE copies_copy SET wrapped_key = set_byte(wrapped_key, 19, 255 - get_byte(wrapped_key, 19))"
            " WHERE id = %s",
            [copies[1]],
        )
    turn("first", "second")

    out = StringIO()
    with pytest.raises(CommandError, match="1 copies have keys that do not open"):
        call_command("rewrap_keys", tenant="kennels", json=True, stdout=out)

    report = json.loads(out.getvalue())
    assert (report["rewrapped"], report["unreadable"]) == (2, 1)


def test_without_the_old_master_key_nothing_changes_and_the_remedy_is_named(
    copies: list[UUID], kennels: Tenant, turn: Callable[..., None]
) -> None:
    turn("second")

    with pytest.raises(CommandError, match="'first' is not in KEYRING"):
        call_command("rewrap_keys", stdout=StringIO(), stderr=StringIO())
    with pytest.raises(KeyServiceUnavailable):
        list(renew_copy_keys(kennels))
    assert key_ids(kennels) == {"first"}


def test_the_command_reports_per_tenant_and_runs_alone(copies: list[UUID], turn: Callable[..., None]) -> None:
    turn("first", "second")
    out = StringIO()
    call_command("rewrap_keys", new_copy_keys=True, tenant="kennels", stdout=out, stderr=StringIO())
    assert "3 copies with keys; changed: 0 wrapped anew, 3 with new data keys" in out.getvalue()

    with JobMutex("rewrap_keys"), pytest.raises(CommandError, match="Another rotation"):
        call_command("rewrap_keys", stdout=out, stderr=StringIO())
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        call_command("rewrap_keys", tenant="nobody", stdout=out)


@pytest.mark.django_db(transaction=True)
def test_no_save_fails_during_rotations(
    copies: list[UUID], kennels: Tenant, agent: Actor, turn: Callable[..., None]
) -> None:
    expected, failures, stop, saves = read(copies, kennels, agent), [], threading.Event(), []

    def work(copy: UUID, number: int) -> None:
        try:
            while not stop.is_set():
                with batch.find_and_lock(copy, scope=kennels, actor=agent) as context:
                    context.changeset.find_answer("cat_count").apply(len(saves) % 90 + 1)
                    context.changeset.find_answer("owner_ssn").apply(SSNS[number])
                    context.save()
                saves.append(copy)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed save
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(copy, number)) for number, copy in enumerate(copies[:2])]
    turn("first", "second")
    for thread in threads:
        thread.start()
    for _ in range(6):
        *_, rewrapped = rewrap_tenant(kennels)
        *_, renewed = renew_copy_keys(kennels)
        assert (rewrapped.unreadable, renewed.unreadable, renewed.left) == (0, 0, 0)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    *_, last = rewrap_tenant(kennels)

    assert failures == []
    assert len(saves) >= 10
    assert last.left == 0
    turn("second")
    assert read(copies, kennels, agent) == expected
