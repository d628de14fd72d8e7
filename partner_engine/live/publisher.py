"""The publisher of live updates: sends committed saves to the sockets of their copy, from the saving thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from batch.changes.records import PlannedSave
from batch.effects.actions_of_save import live_facts
from partner_engine.live.frames import Changed, write
from partner_engine.live.transport.channel_layer import address, encode
from partner_engine.live.transport.sender import current_sender
from partner_engine.live.viewers import group_of, have_viewers
from redis_locks.outage import outage

#: A larger frame costs every viewer more than one request for the changes.
MAX_FRAME_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


def publish(saves: Sequence[PlannedSave]) -> None:
    """Publish each save whose copy has viewers; without Redis, sockets notice the new version by themselves."""
    try:
        redis = outage.client_or_raise(get_redis_connection("default"))
        _publish(redis, saves)
    except (RedisError, OSError) as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("publishing_without_redis", copies=len(saves))


def _publish(redis: Redis, saves: Sequence[PlannedSave]) -> None:
    copies = [(save.context.tenant_id, save.loaded.copy.id) for save in saves]
    viewed = [
        (copy, save)
        for copy, save, is_viewed in zip(copies, saves, have_viewers(redis, copies), strict=True)
        if is_viewed
    ]
    if not viewed:
        return
    with redis.pipeline(transaction=False) as pipeline:
        for (tenant_id, copy_id), save in viewed:
            pipeline.publish(address(group_of(tenant_id, copy_id)), encode(_message(save)))
        pipeline.execute()


def _message(save: PlannedSave) -> dict[str, object]:
    """Return the message to publish. It contains the encoded frame, so that no receiver has to encode it again."""
    frame = write(_changed(save, live_facts(save)))
    if len(frame) > MAX_FRAME_BYTES:
        frame = write(_changed(save, {}))
    # With its owner: viewers know each other's socket ids, and nobody may suppress the updates of another socket.
    actor = save.context.actor
    sender = f"{actor.type}:{actor.id}/{current_sender()}"
    return {"type": "copy.changed", "version": save.result.version, "sender": sender, "frame": frame}


def _changed(save: PlannedSave, facts: dict[str, object]) -> Changed:
    context, actor = save.context, save.context.actor
    return Changed(
        version=save.result.version,
        release=context.release.id,
        by={"type": actor.type, "id": actor.id, "name": actor.label},
        correlation_id=context.correlation_id,
        changes=facts.get("changes"),  # type: ignore[arg-type]  # as live_facts returns them
        eligibility=facts.get("eligibility"),  # type: ignore[arg-type]
        needed=facts.get("needed"),  # type: ignore[arg-type]
        messages=facts.get("messages"),  # type: ignore[arg-type]
    )
