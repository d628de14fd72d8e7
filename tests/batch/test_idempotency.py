"""A keyed request has one effect and one answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import DataError
from django.db.models.functions import Now

from batch import errors
from batch import service as batch
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.models import IdempotencyRecord
from copies.models import Copy
from forms.models import ApplicationForm
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db

KEY = IdempotencyKey("user:7", "key-1", b"request")
ANSWER = StoredResponse(200, {"ETag": '"2"'}, b"{}")


def test_the_answer_is_given_again_to_the_same_request(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        assert context.stored_response is None
        context.changeset.find_answer("state").apply("OH")
        context.save(respond=lambda result: ANSWER)

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY, expected_version=1) as context:
        assert context.stored_response == ANSWER


def test_an_answer_is_stored_also_where_nothing_changed(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        assert not context.save(respond=lambda result: ANSWER).written

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        assert context.stored_response == ANSWER


def test_where_the_database_refuses_to_store_an_answer_alone_the_save_fails(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()
    unstorable = StoredResponse(1_000_000, {}, b"{}")  # beyond a small integer

    with (
        pytest.raises(DataError),
        batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context,
    ):
        context.save(respond=lambda result: unstorable)

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        assert context.stored_response is None


def test_another_request_under_the_key_is_refused(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        context.save(respond=lambda result: ANSWER)

    other = IdempotencyKey(KEY.client, KEY.key, b"another request")
    with (
        pytest.raises(errors.IdempotencyConflict),
        batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=other),
    ):
        pass


def test_another_client_may_use_the_same_key(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        context.save(respond=lambda result: ANSWER)

    other = IdempotencyKey("user:8", KEY.key, b"another request")
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=other) as context:
        assert context.stored_response is None


def test_a_refused_request_stores_nothing(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with (
        pytest.raises(errors.InvalidAnswers),
        batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context,
    ):
        context.changeset.find_answer("cat_count").apply("many")

    with use_tenant(kennels):
        assert not IdempotencyRecord.objects.exists()


def test_a_form_is_made_once_where_the_other_request_came_first(kennels: Tenant, agent: Actor) -> None:
    with (
        batch.build_context(scope=kennels, actor=agent, idempotency=KEY) as first,
        batch.build_context(scope=kennels, actor=agent, idempotency=KEY) as second,
    ):
        first.save(respond=lambda result: ANSWER)
        with pytest.raises(errors.IdempotencyReplay):
            second.save(respond=lambda result: ANSWER)

    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 1
        assert Copy.objects.count() == 1
    with batch.build_context(scope=kennels, actor=agent, idempotency=KEY) as third:
        assert third.stored_response == ANSWER


def test_an_answer_is_kept_for_a_day(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=KEY) as context:
        context.save(respond=lambda result: ANSWER)

    with use_tenant(kennels):
        # The database's clock decides, so the answer is made older instead of the day later.
        IdempotencyRecord.objects.update(created_at=Now() - timedelta(hours=25))

    other = IdempotencyKey(KEY.client, KEY.key, b"another request")
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=other) as context:
        assert context.stored_response is None
        context.save(respond=lambda result: ANSWER)
    with use_tenant(kennels):
        assert bytes(IdempotencyRecord.objects.get().fingerprint) == b"another request"
