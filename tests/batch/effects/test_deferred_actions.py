"""Actions that a caller defers are stored with the save, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from actions.kinds import SendBindAssistanceMail
from actions.models import OutboxAction
from batch import misuse
from batch import service as batch
from batch.changes.changeset import Changeset
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch

pytestmark = pytest.mark.django_db


def mail(copy_id: UUID, asked_by: str = "Robin") -> SendBindAssistanceMail:
    return SendBindAssistanceMail(copy_id=str(copy_id), product="PA-CARE", asked_by=asked_by)


def test_a_deferred_action_is_stored_with_the_changes(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()

    def change(changeset: Changeset) -> None:
        changeset.find_answer("kennel_name").apply("Quiet Paws")
        changeset.defer(mail(form_id))

    assert_batch(
        form_id,
        change,
        scope=kennels,
        actor=agent,
        kinds=["index_form", "publish_webhook", "send_bind_assistance_mail"],
    )


def test_a_deferred_action_alone_causes_a_write(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        for name in ("Robin", "Sam"):
            context.changeset.defer(mail(form_id, name))
        result = context.save()
        again = context.save()

    assert (result.written, again.written) == (True, False)
    with use_tenant(kennels):
        kept = OutboxAction.objects.get(kind="send_bind_assistance_mail")
    assert (kept.payload["asked_by"], kept.version) == ("Sam", result.version)


def test_a_preview_and_a_read_only_changeset_defer_nothing(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()
    context = batch.find(form_id, scope=kennels, actor=agent)
    context.changeset.defer(mail(form_id))
    context.preview()

    with pytest.raises(misuse.ReadOnlyChangeset):
        batch.find_changeset(form_id, scope=kennels, actor=agent).defer(mail(form_id))
    with use_tenant(kennels):
        assert not OutboxAction.objects.filter(kind="send_bind_assistance_mail").exists()
