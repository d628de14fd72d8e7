"""``manage.py repair_copy_index``, over the shared database and a second real one."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from copies import index_repair
from copies.models import Copy, CopyIndex
from redis_locks.job_mutex import JobMutex
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])

NOTHING = {"missing": 0, "wrong": 0, "without_copy": 0, "unreachable": []}


def repair(*options: str) -> dict[str, Any]:
    """Run the command; return its output."""
    told = io.StringIO()
    call_command("repair_copy_index", "--json", *options, stdout=told)
    return json.loads(told.getvalue())


def add_copy(tenant: Tenant) -> Copy:
    """Write a copy without its entry."""
    now, identity = timezone.now(), uuid7()
    with use_tenant(tenant):
        # Without the batch, as only a test may.
        (made,) = Copy.objects.bulk_create(
            [
                Copy(
                    id=identity,
                    application_form_id=identity,
                    tenant_id=tenant.id,
                    document=b"",
                    evaluation=b"",
                    created_at=now,
                    updated_at=now,
                )
            ]
        )
        return made


def add_entry(copy: Copy, *, hours_ago: int = 0) -> None:
    """Write a copy's entry."""
    entry = CopyIndex.objects.create(
        copy_id=copy.id, application_form_id=copy.application_form_id, tenant_id=copy.tenant_id
    )
    CopyIndex.objects.filter(pk=entry.pk).update(created_at=timezone.now() - timedelta(hours=hours_ago))


def test_copies_of_every_database_get_their_entries(harbor: Tenant, summit_apart: Tenant) -> None:
    copies = [add_copy(harbor), add_copy(summit_apart)]

    assert repair() == {**NOTHING, "checked": 2, "missing": 2, "dry_run": False}

    entries = CopyIndex.objects.order_by("copy_id").values_list("copy_id", "application_form_id", "tenant_id")
    assert list(entries) == [(copy.id, copy.application_form_id, copy.tenant_id) for copy in copies]
    assert repair() == {**NOTHING, "checked": 2, "dry_run": False}


def test_a_wrong_entry_is_corrected(harbor: Tenant, summit: Tenant) -> None:
    copy = add_copy(harbor)
    CopyIndex.objects.create(copy_id=copy.id, application_form_id=uuid7(), tenant_id=summit.id)

    assert repair() == {**NOTHING, "checked": 1, "wrong": 1, "dry_run": False}

    entry = CopyIndex.objects.get()
    assert (entry.application_form_id, entry.tenant_id) == (copy.application_form_id, harbor.id)


def test_entries_without_a_copy_are_deleted_after_the_grace_period(harbor: Tenant, summit_apart: Tenant) -> None:
    now = timezone.now()
    never = [
        Copy(id=uuid7(), application_form_id=uuid7(), tenant_id=tenant_id, created_at=now, updated_at=now)
        for tenant_id in (harbor.id, summit_apart.id, uuid7(), harbor.id)
    ]
    for copy in never[:3]:
        add_entry(copy, hours_ago=2)
    add_entry(never[3])
    there = add_copy(summit_apart)
    add_entry(there, hours_ago=2)

    assert repair() == {**NOTHING, "checked": 1, "without_copy": 3, "dry_run": False}

    assert set(CopyIndex.objects.values_list("copy_id", flat=True)) == {never[3].id, there.id}


def test_a_dry_run_counts_and_changes_nothing(harbor: Tenant) -> None:
    add_copy(harbor)
    gone = Copy(id=uuid7(), application_form_id=uuid7(), tenant_id=harbor.id)
    add_entry(gone, hours_ago=2)

    assert repair("--dry-run") == {**NOTHING, "checked": 1, "missing": 1, "without_copy": 1, "dry_run": True}

    assert list(CopyIndex.objects.values_list("copy_id", flat=True)) == [gone.id]


def test_entries_of_a_missing_database_are_left_unchanged(harbor: Tenant) -> None:
    away = Tenant.objects.create(code="away", name="Away", database="away_db")
    add_entry(Copy(id=uuid7(), application_form_id=uuid7(), tenant_id=away.id), hours_ago=2)

    assert repair() == {**NOTHING, "checked": 0, "unreachable": ["away_db"], "dry_run": False}

    assert CopyIndex.objects.count() == 1


def test_it_goes_through_many_copies_in_chunks(
    harbor: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(index_repair, "CHUNK", 2)
    for _ in range(5):
        add_copy(harbor)

    # Tenants; three chunks of copies, each compared and written, and an empty one; no old entries.
    with django_assert_num_queries(1 + 3 * 3 + 1 + 1):
        index_repair.repair_copy_index(dry_run=False)

    assert CopyIndex.objects.count() == 5


def test_the_result_is_printed_as_a_sentence(harbor: Tenant) -> None:
    add_copy(harbor)
    told = io.StringIO()

    call_command("repair_copy_index", "--dry-run", stdout=told)

    assert told.getvalue() == "1 copies looked at. Entries to repair: 1 missing, 0 wrong, 0 without a copy.\n"


def test_two_sweeps_never_run_at_once(harbor: Tenant) -> None:
    add_copy(harbor)

    with JobMutex("repair_copy_index"), pytest.raises(CommandError, match="Another sweep"):
        repair()

    assert CopyIndex.objects.count() == 0
    assert repair() == {**NOTHING, "checked": 1, "missing": 1, "dry_run": False}
