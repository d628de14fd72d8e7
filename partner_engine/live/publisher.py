"""The publisher of live updates: sends committed saves to the sockets at their copy, from the saving thread."""

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
from partner_engine.live.transport.viewers import group_of, watched
from redis_locks.outage import outage

#: A larger frame would cost every reader more than to ask for the changes once.
MOST_FRAME_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


def publish(saved: Sequence[Saved]) -> None:
    """Publish each save at whose copy somebody looks; without Redis nobody is told, and sockets find out by version."""
    try:
        redis = outage.client_or_raise(get_redis_connection("default"))
        _publish(redis, saved)
    except (RedisError, OSError) as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("announcing_without_redis", copies=len(saved))


def _publish(redis: Redis, saved: Sequence[Saved]) -> None:
    looked_at = watched(redis, [(one.tenant_id, one.copy_id) for one in saved])
    told = [one for one, is_watched in zip(saved, looked_at, strict=True) if is_watched]
    if not told:
        return
    with redis.pipeline(transaction=False) as pipeline:
        for one in told:
            pipeline.publish(address(group_of(one.tenant_id, one.copy_id)), encode(_message(one)))
        pipeline.execute()


def _message(saved: Saved) -> dict[str, object]:
    """Return what goes over the wire: the frame is written once, by who saved, for all sockets of all processes."""
    facts = saved.facts()
    frame = write(_changed(saved, facts))
    if len(frame) > MOST_FRAME_BYTES:
        frame = write(_changed(saved, {}))
    # With its owner: the ids of sockets are known to all who are there, and nobody is to silence another's.
    sender = f"{':'.join(saved.actor)}/{saved.sender}"
    return {"type": "copy.changed", "version": saved.version, "sender": sender, "frame": frame}


def _changed(saved: Saved, facts: dict[str, object]) -> Changed:
    kind, identity = saved.actor
    return Changed(
        version=saved.version,
        release=saved.release,
        by={"type": kind, "id": identity, "name": saved.label},
        correlation_id=saved.correlation_id,
        changes=facts.get("changes"),  # type: ignore[arg-type]  # as batch.effects.actions_of_save.live_facts gives them
        eligibility=facts.get("eligibility"),  # type: ignore[arg-type]
        needed=facts.get("needed"),  # type: ignore[arg-type]
        messages=facts.get("messages"),  # type: ignore[arg-type]
    )
