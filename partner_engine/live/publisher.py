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
from partner_engine.live.frames import Changed, Sibling, write
from partner_engine.live.transport.redis_channels import address, encode
from partner_engine.live.transport.sender import current_sender
from partner_engine.live.viewers import Place, group_of, viewed_copies
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
    places = [Place(save.context.tenant_id, save.loaded.form.id, save.loaded.copy.id) for save in saves]
    messages: list[tuple[str, dict[str, object]]] = []
    for place, save, (is_viewed, others) in zip(places, saves, viewed_copies(redis, places), strict=True):
        if is_viewed:
            messages.append((group_of(place.tenant_id, place.copy_id), _message(save)))
        messages += [(group_of(place.tenant_id, other), _message_to_siblings(save)) for other in others]
    if not messages:
        return
    with redis.pipeline(transaction=False) as pipeline:
        for group, message in messages:
            pipeline.publish(address(group), encode(message))
        pipeline.execute()


def _message(save: PlannedSave) -> dict[str, object]:
    """Return the message to publish. It contains the encoded frame, so that no receiver has to encode it again."""
    frame = write(_changed(save, live_facts(save)))
    if len(frame) > MAX_FRAME_BYTES:
        frame = write(_changed(save, {}))
    return {"type": "copy.changed", "version": save.result.version, "sender": _sender(save), "frame": frame}


def _message_to_siblings(save: PlannedSave) -> dict[str, object]:
    """Return the message to the viewers of the form's other copies: nothing of what was saved."""
    return {"type": "copy.sibling", "sender": _sender(save), "frame": write(Sibling(copy=str(save.loaded.copy.id)))}


def _sender(save: PlannedSave) -> str:
    """Return the socket of the page that saved, with its owner: viewers know each other's socket ids, and nobody may
    suppress the updates of another socket.
    """
    actor = save.context.actor
    return f"{actor.type}:{actor.id}/{current_sender()}"


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
