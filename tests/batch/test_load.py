"""The attached records of a load come in the order of their age, whatever the order of their rows in the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from batch import service as batch
from batch.storage.load import load
from batch.storage.load_many import load_many
from forms.models import Message
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ages", [*permutations(range(3)), (1, 1, 0), (0, 0, 0)])
def test_records_come_from_the_oldest_on(
    ages: tuple[int, ...], make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        for _ in ages:
            context.changeset.messages.add("Call back")
        context.save()
    with use_tenant(kennels):
        ids = list(Message.objects.filter(copy_id=form_id).order_by("-id").values_list("id", flat=True))
        for identity, age in zip(ids, ages, strict=True):
            created_at = datetime(2026, 7, 1, tzinfo=UTC) - timedelta(microseconds=age)
            Message.objects.filter(id=identity).update(created_at=created_at)

        loads = [load(form_id, scope=kennels), load_many([form_id], scope=kennels)[form_id]]
        ordered = list(
            Message.objects.filter(copy_id=form_id).order_by("created_at", "id").values_list("id", flat=True)
        )

    assert [[message.id for message in one.attached["messages"]] for one in loads] == [ordered, ordered]


def test_a_kind_without_records_is_left_out(make_form: Callable[..., UUID], kennels: Tenant) -> None:
    form_id = make_form()

    with use_tenant(kennels):
        loads = [load(form_id, scope=kennels), load_many([form_id], scope=kennels)[form_id]]

    assert [one.attached for one in loads] == [{}, {}]
