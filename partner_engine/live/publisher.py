"""The publisher of live updates: sends committed saves to the sockets of their copy, from the saving thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from actions.live_updates import Saved
from partner_engine.live.frames import Changed, write
from partner_engine.live.transport.channel_layer import address, encode
from partner_engine.live.viewers import group_of, have_viewers
from redis_locks.outage import outage

#: A larger frame costs every viewer more than one request for the changes.
MAX_FRAME_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


def publish(saved: Sequence[Saved]) -> None:
    """Publish each save of a copy with viewers. Without Redis nothing is sent; sockets notice the version later."""
    try:
        redis = outage.client_or_raise(get_redis_connection("default"))
        _publish(redis, saved)
    except (RedisError, OSError) as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("publishing_without_redis", copies=len(saved))


def _publish(redis: Redis, saved: Sequence[Saved]) -> None:
    viewed = have_viewers(redis, [(save.tenant_id, save.copy_id) for save in saved])
    published = [save for save, is_viewed in zip(saved, viewed, strict=True) if is_viewed]
    if not published:
        return
    with redis.pipeline(transaction=False) as pipeline:
        for save in published:
            pipeline.publish(address(group_of(save.tenant_id, save.copy_id)), encode(_message(save)))
        pipeline.execute()


def _message(saved: Saved) -> dict[str, object]:
    """Return the message to publish. It contains the encoded frame, so that no receiver has to encode it again."""
    facts = saved.facts()
    frame = write(_changed(saved, facts))
    if len(frame) > MAX_FRAME_BYTES:
        frame = write(_changed(saved, {}))
    # With its owner: viewers know each other's socket ids, and nobody may suppress the updates of another socket.
    sender = f"{':'.join(saved.actor)}/{saved.sender}"
    return {"type": "copy.changed", "version": saved.version, "sender": sender, "frame": frame}


def _changed(saved: Saved, facts: dict[str, object]) -> Changed:
    kind, identity = saved.actor
    return Changed(
        version=saved.version,
        release=saved.release,
        by={"type": kind, "id": identity, "name": saved.label},
        correlation_id=saved.correlation_id,
        changes=facts.get("changes"),  # type: ignore[arg-type]  # see batch.effects.actions_of_save.live_facts
        eligibility=facts.get("eligibility"),  # type: ignore[arg-type]
        needed=facts.get("needed"),  # type: ignore[arg-type]
        messages=facts.get("messages"),  # type: ignore[arg-type]
    )
