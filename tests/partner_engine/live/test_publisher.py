"""Publishing a save: only with viewers, and never at the cost of the save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django_redis import get_redis_connection
from redis import Redis
from redis.client import PubSub

from batch import service as batch
from batch.changes.records import PlannedSave
from batch.effects import after_commit
from catalogue.models import Release
from partner_engine.live import publisher
from partner_engine.live.transport import redis_channels
from partner_engine.live.transport.sender import sent_by
from partner_engine.live.viewers import form_key_of, group_of, key_of
from redis_locks.outage import outage
from tenants.access import Actor
from tenants.models import Tenant, User
from tests.harness.broken_redis import refusing_client
from tests.harness.socket_client import save, start
from tests.harness.tiers import PATIENCE

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(owner: User) -> Actor:
    return owner.as_actor(source="web")


@pytest.fixture
def copy_id(demo: Release, harbor: Tenant, actor: Actor) -> UUID:
    return start(harbor, actor)


@pytest.fixture
def heard(harbor: Tenant, copy_id: UUID) -> Iterator[PubSub]:
    """Listen to the copy's group, as a hub does."""
    with get_redis_connection("default").pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(redis_channels.address(group_of(harbor.id, copy_id)))
        pubsub.get_message(timeout=PATIENCE)
        yield pubsub


@pytest.fixture
def somebody(harbor: Tenant, copy_id: UUID) -> Iterator[None]:
    """Register a viewer of the copy."""
    redis, key = get_redis_connection("default"), key_of(harbor.id, copy_id)
    redis.hset(key, "a socket", "{}")
    yield
    redis.delete(key)


def message(pubsub: PubSub, *, seconds: float = 0.5) -> dict[str, Any] | None:
    found = pubsub.get_message(timeout=seconds)
    return None if found is None else redis_channels.decode(found["data"])


def published(pubsub: PubSub) -> dict[str, Any]:
    found = message(pubsub, seconds=PATIENCE)
    assert found is not None
    return found | {"frame": msgspec.json.decode(found["frame"])}


def test_a_save_is_published_to_viewers(
    harbor: Tenant, actor: Actor, copy_id: UUID, heard: PubSub, somebody: None
) -> None:
    with sent_by("f" * 32):
        save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

    found = published(heard)
    assert (found["type"], found["version"], found["sender"]) == (
        "copy.changed",
        2,
        f"{actor.type}:{actor.id}/{'f' * 32}",
    )
    assert found["frame"]["changes"][0]["after"] == "Austin"


def test_nothing_is_published_or_written_without_viewers(
    harbor: Tenant, actor: Actor, copy_id: UUID, heard: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("partner_engine.live.publisher.live_facts", lambda save: asked.append(save) or {})

    save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

    assert message(heard) is None
    assert asked == []


def test_a_save_is_announced_to_viewers_of_other_copies_without_its_content(
    harbor: Tenant, actor: Actor, copy_id: UUID, heard: PubSub
) -> None:
    with batch.build_copy(copy_id, scope=harbor, actor=actor) as context:
        context.save()
        other = context.copy.id
    redis, key = get_redis_connection("default"), form_key_of(harbor.id, copy_id)
    redis.hset(key, "a socket", str(copy_id))

    save(harbor, actor, other, {"mqs_mail_city": "Austin"})
    save(harbor, actor, copy_id, {"mqs_mail_city": "Waco"})
    redis.delete(key)

    found = published(heard)
    assert (found["type"], found["frame"]) == ("copy.sibling", {"type": "copies", "copy": str(other)})
    # The copy itself has no viewers in the other hash.
    assert message(heard) is None


def test_a_save_without_changes_is_not_published(
    harbor: Tenant, actor: Actor, copy_id: UUID, heard: PubSub, somebody: None
) -> None:
    save(harbor, actor, copy_id, {})

    assert message(heard) is None


def test_a_save_too_large_for_a_frame_is_published_by_its_version(
    harbor: Tenant, actor: Actor, copy_id: UUID, heard: PubSub, somebody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "MAX_FRAME_BYTES", 500)

    save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

    frame = published(heard)["frame"]
    assert frame["version"] == 2
    assert frame["changes"] is frame["eligibility"] is frame["needed"] is frame["messages"] is None


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Let the publisher find a Redis that refuses, and the other tests one that is well again."""
    client = refusing_client()
    monkeypatch.setattr(publisher, "get_redis_connection", lambda alias: client)
    yield client
    outage.answered()


def test_without_redis_a_save_is_saved(harbor: Tenant, actor: Actor, copy_id: UUID, no_redis: Redis) -> None:
    assert save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"}).version == 2


def test_a_publisher_that_fails_fails_no_save(
    harbor: Tenant, actor: Actor, copy_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(saved: Sequence[PlannedSave]) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(after_commit, "_registered", [fail])

    assert save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"}).version == 2


def test_there_is_one_publisher(harbor: Tenant, actor: Actor, copy_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[PlannedSave]] = []
    monkeypatch.setattr(after_commit, "_registered", [])
    after_commit.register_publisher(calls.append)

    with pytest.raises(after_commit.PublisherRegistered):
        after_commit.register_publisher(lambda saves: None)
    save(harbor, actor, copy_id, {"mqs_mail_city": "Austin"})
    after_commit.publish([])
    assert [[one.result.version for one in saves] for saves in calls] == [[2]]
