"""The round trips to Redis of a save: by the batch, by the API and by the form page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import pytest
from django.urls import reverse
from django_redis import get_redis_connection

from batch import service as batch
from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine.live.viewers import form_key_of, key_of
from tenants.access import Actor
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import V1, Api
from tests.harness.redis_trips import redis_trips
from tests.harness.socket_client import save, start
from tests.security.test_isolation import SignIn

pytestmark = pytest.mark.django_db

#: Lock, release in force and viewers; viewers, hint and release of the lock.
LOCK: Final = "EVALSHA GET EXISTS"
UNLOCK: Final = "EXISTS HVALS SET EVALSHA"
ACTIVE: Final = "ZADD EXPIRE PFADD EXPIRE"


@pytest.fixture
def actor(owner: User) -> Actor:
    return owner.as_actor(source="web")


@pytest.fixture
def copy_id(demo: Release, harbor: Tenant, actor: Actor) -> UUID:
    """Return a copy that was saved before: the scripts are known, and a hint is in transit."""
    made = start(harbor, actor)
    save(harbor, actor, made, {"mqs_mail_city": "Waco"})
    return made


@pytest.fixture
def viewed(harbor: Tenant, copy_id: UUID) -> Iterator[None]:
    """Register a viewer of the copy."""
    redis, keys = get_redis_connection("default"), (key_of(harbor.id, copy_id), form_key_of(harbor.id, copy_id))
    redis.hset(keys[0], "a socket", "{}")
    redis.hset(keys[1], "a socket", str(copy_id))
    yield
    redis.delete(*keys)


def test_a_save_takes_two(harbor: Tenant, actor: Actor, copy_id: UUID) -> None:
    with redis_trips() as trips:
        save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

    assert trips == [LOCK, UNLOCK]


def test_a_save_with_viewers_takes_two(harbor: Tenant, actor: Actor, copy_id: UUID, viewed: None) -> None:
    with redis_trips() as trips:
        save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

    assert trips == [LOCK, f"PUBLISH {UNLOCK}"]


def test_a_viewer_who_comes_during_the_save_is_sent_to_in_one_more(
    harbor: Tenant, actor: Actor, copy_id: UUID, request: pytest.FixtureRequest
) -> None:
    with redis_trips() as trips, batch.find_and_lock(copy_id, scope=harbor, actor=actor) as context:
        request.getfixturevalue("viewed")
        trips[:] = [LOCK]
        context.changeset.apply_answers({"mqs_mail_city": "Austin"})
        context.save()

    assert trips == [LOCK, UNLOCK, "PUBLISH"]


def test_a_save_without_changes_takes_two(harbor: Tenant, actor: Actor, copy_id: UUID) -> None:
    with redis_trips() as trips:
        save(harbor, actor, copy_id, {})

    assert trips == [LOCK, "EVALSHA"]


def test_a_patch_takes_three_with_its_sign_of_life(
    demo: Release, harbor_client: ApiClient, copy_id: UUID, s1: Sample
) -> None:
    api = Api(harbor_client)
    body = json.dumps({"answers": {"mqs_mail_city": "Austin"}})

    with redis_trips() as trips:
        response = api._client.patch(f"{V1}/copies/{copy_id}/answers", body, "application/json")

    assert response.status_code == 200
    assert trips == [ACTIVE, LOCK, UNLOCK]


def test_a_save_on_the_page_takes_four_and_asks_for_flags_four_times_a_second(
    copy_id: UUID, owner: User, sign_in: SignIn
) -> None:
    client = sign_in(owner)

    with redis_trips() as trips:
        response = client.post(
            reverse("web:answers", args=[copy_id]),
            {"answers": '{"mqs_mail_city": "Austin"}'},
            headers={"HX-Request": "true"},
        )

    assert response.status_code == 200
    session, *rest = trips
    of_flags = [trip for trip in rest if trip in {"GET", "SET"}]
    assert (session, len(of_flags) <= 3) == ("GET", True)
    assert [trip for trip in rest if trip not in of_flags] == [ACTIVE, LOCK, UNLOCK]
