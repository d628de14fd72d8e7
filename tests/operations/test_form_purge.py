"""Deleted forms are erased for good after their retention: all that was deleted long enough ago, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone
from environ import Env
from pytest_django import Settings

from actions.kinds import Purge
from actions.maintenance import emit_hourly_actions, purge
from actions.models import OutboxAction
from actions.registry import RetryAfter
from batch import service as batch
from batch.changes.changeset import Changeset
from copies.models import Copy, CopyIndex
from failpoints import FailpointReached, armed
from forms.models import ApplicationForm
from operations.erasure import form_purge
from operations.erasure.legal_holds import hold_form
from operations.models import Erasure
from partner_engine.environment import DeletedForms, deleted_forms
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.outboxes import delivered
from tests.harness.tenant_rows import contents, fill_tables
from tests.operations.test_erasure import places_of

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


@pytest.fixture
def change(kennels: Tenant, agent: Actor) -> Callable[[UUID, Callable[[Changeset], object]], None]:
    """Return what carries out and saves a change of a form, deleted or not."""

    def save(form_id: UUID, order: Callable[[Changeset], object]) -> None:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent, archived=True) as context:
            order(context.changeset)
            context.save()

    return save


@pytest.fixture
def delete(kennels: Tenant, change: Callable[..., None]) -> Callable[[UUID, int], None]:
    """Return what deletes a form as if that had been so many days ago."""

    def deleted(form_id: UUID, days: int) -> None:
        change(form_id, lambda changeset: changeset.application_form.archive())
        with use_tenant(kennels), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE forms_applicationform SET deleted_at = now() - make_interval(days => %s) WHERE id = %s",
                [days, form_id],
            )

    return deleted


def run(tenant: Tenant) -> None:
    """Run the hourly purge of ``tenant``."""
    with use_tenant(tenant):
        purge(delivered(Purge(what="deleted forms"), tenant))


def left(tenant: Tenant) -> set[UUID]:
    """Return the ids of the tenant's forms."""
    with use_tenant(tenant):
        return set(ApplicationForm.objects.values_list("id", flat=True))


def test_nothing_of_an_expired_form_is_left_and_all_others_stay(
    kennels: Tenant, make_form: Callable[..., UUID], delete: Callable[[UUID, int], None], harbor: Tenant
) -> None:
    expired, recent, present = make_form({"owner_ssn": "987-65-4321"}), make_form(), make_form()
    columns = {"copy_id": expired, "application_form_id": expired, "body": str(expired).encode(), "held_until": None}
    delete(expired, 91)
    delete(recent, 89)
    fill_tables(kennels, rows=1, columns=columns)
    fill_tables(harbor, rows=1)
    before, others = contents(harbor, "default"), left(kennels) - {expired}

    run(kennels)

    assert set(places_of(str(expired), kennels)) == {"default.operations_erasure"}
    assert left(kennels) == others >= {recent, present}
    assert contents(harbor, "default") == before
    certificate = Erasure.objects.get()
    assert (certificate.subject_id, certificate.requested_by) == (expired, "system:purge of deleted forms")
    assert certificate.finished_at is not None and certificate.counts["copies_copy"] == 2


def test_it_is_emitted_each_hour(kennels: Tenant) -> None:
    emit_hourly_actions("default")

    with across_tenants(using="default"):
        rows = OutboxAction.objects.filter(tenant_id=kennels.pk, kind="purge", target="deleted forms")
        assert rows.count() == 1


@pytest.mark.parametrize(("days", "stays"), [(0, True), (400, True), (399, False)])
def test_the_days_are_a_setting_and_zero_is_never(
    kennels: Tenant, form_id: UUID, delete: Callable[[UUID, int], None], settings: Settings, days: int, stays: bool
) -> None:
    settings.DELETED_FORMS = DeletedForms(days=days, purges_bound=False)
    delete(form_id, 400)
    with use_tenant(kennels), connection.cursor() as cursor:
        # Half a day short of 400 days.
        cursor.execute("UPDATE forms_applicationform SET deleted_at = deleted_at + interval '12 hours'")

    run(kennels)

    assert left(kennels) == ({form_id} if stays else set())


def test_bound_forms_stay_unless_the_setting_says_otherwise(
    kennels: Tenant,
    make_form: Callable[..., UUID],
    change: Callable[..., None],
    delete: Callable[[UUID, int], None],
    settings: Settings,
) -> None:
    bound, lost = make_form(), make_form()
    for form_id, code in ((bound, "bound"), (lost, "lost")):
        change(form_id, lambda changeset, code=code: changeset.dispositions.give(code))  # type: ignore[misc]
        delete(form_id, 91)

    run(kennels)
    assert left(kennels) == {bound}

    settings.DELETED_FORMS = DeletedForms(days=90, purges_bound=True)
    run(kennels)
    assert left(kennels) == set()


@pytest.mark.parametrize("purges_bound", [False, True])
def test_a_form_with_a_locked_copy_stays(
    kennels: Tenant,
    form_id: UUID,
    agent: Actor,
    delete: Callable[[UUID, int], None],
    settings: Settings,
    purges_bound: bool,
) -> None:
    settings.DELETED_FORMS = DeletedForms(days=90, purges_bound=purges_bound)
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        second = context.copy.id
    delete(form_id, 91)
    with use_tenant(kennels):
        # As an earlier release left it.
        Copy.objects.filter(pk=second).update(locked_at=timezone.now())

    run(kennels)
    assert left(kennels) == {form_id}

    with use_tenant(kennels):
        Copy.objects.filter(pk=second).update(locked_at=None)
    run(kennels)
    assert left(kennels) == set()


def test_a_form_in_use_waits_and_leaves_no_certificate(
    kennels: Tenant, make_form: Callable[..., UUID], delete: Callable[[UUID, int], None]
) -> None:
    busy, free = make_form(), make_form()
    for form_id in (busy, free):
        delete(form_id, 91)
    with use_tenant(kennels):
        actions = OutboxAction.objects.filter(copy_id=busy)
        actions.update(leased_until=timezone.now() + timedelta(minutes=1))

    run(kennels)
    assert left(kennels) == {busy}
    assert [certificate.subject_id for certificate in Erasure.objects.all()] == [free]

    with use_tenant(kennels):
        actions.update(leased_until=None)
    run(kennels)
    assert left(kennels) == set()


def test_a_form_that_is_restored_in_the_last_moment_stays(
    kennels: Tenant,
    form_id: UUID,
    change: Callable[..., None],
    delete: Callable[[UUID, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delete(form_id, 91)
    erase = form_purge.erase_form

    def restored_first(*arguments: object, **named: object) -> object:
        change(form_id, lambda changeset: changeset.application_form.restore())
        return erase(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(form_purge, "erase_form", restored_first)
    run(kennels)

    assert left(kennels) == {form_id}
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("place", ["form_erasure_begun", "form_rows_erased"])
def test_a_killed_purge_goes_on(
    kennels: Tenant, form_id: UUID, delete: Callable[[UUID, int], None], place: str
) -> None:
    delete(form_id, 91)
    with armed(place), pytest.raises(FailpointReached):
        run(kennels)

    run(kennels)

    assert left(kennels) == set() and not CopyIndex.objects.filter(application_form_id=form_id).exists()
    assert Erasure.objects.get().finished_at is not None
    Erasure.objects.update(finished_at=None)  # as if it was killed just before the end
    run(kennels)
    assert Erasure.objects.get().finished_at is not None


def test_a_long_purge_goes_on_in_another_run(
    kennels: Tenant,
    make_form: Callable[..., UUID],
    delete: Callable[[UUID, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delete(make_form(), 91)
    monkeypatch.setattr(form_purge, "RUN_SECONDS", -1.0)

    with pytest.raises(RetryAfter) as waits:
        run(kennels)

    assert waits.value.counts is False
    assert len(left(kennels)) == 1


@pytest.mark.parametrize("days", ["-1", "36501"])
def test_an_impossible_retention_is_refused(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv("DELETED_FORM_RETENTION_DAYS", days)

    with pytest.raises(ImproperlyConfigured, match="between 0"):
        deleted_forms(Env())


def test_old_forms_go_where_the_tenant_wants_it(kennels: Tenant, make_form: Callable[..., UUID], agent: Actor) -> None:
    old, touched, held, bound, locked = [make_form() for _ in range(5)]
    hold_form(held, tenant=kennels, actor=agent, reason="Case 12")
    with batch.find_and_lock(bound, scope=kennels, actor=agent) as context:
        context.changeset.dispositions.give("bound")
        context.save()
    years = timedelta(days=365 * 8)
    with use_tenant(kennels):
        ApplicationForm.objects.update(created_at=timezone.now() - years)
        Copy.objects.exclude(pk=touched).update(last_touched_by_user_at=timezone.now() - years)
        Copy.objects.filter(pk=locked).update(locked_at=timezone.now())

    def purged() -> set[UUID]:
        with use_tenant(kennels):
            purge(delivered(Purge(what="outdated forms"), kennels))
        return {old, touched, held, bound, locked} - left(kennels)

    assert purged() == set()
    for years_kept, gone in ((8, set()), (7, {old})):
        kennels.form_retention_years = years_kept
        kennels.save()
        assert purged() == gone
    assert Erasure.objects.get().requested_by == "system:retention of old forms"
