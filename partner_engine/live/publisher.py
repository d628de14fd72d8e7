"""The publisher of live updates: sends committed saves to the sockets of their copy, from the saving thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import structlog
from redis import Redis
from redis.exceptions import RedisError

from batch.changes.records import PlannedSave
from batch.effects.actions_of_save import live_facts
from partner_engine.live.frames import Changed, Sibling, write
from partner_engine.live.transport.redis_channels import address, encode
from partner_engine.live.transport.sender import current_sender
from partner_engine.live.viewers import (
    Place,
    group_of,
    question_of,
    sibling_question_of,
    siblings_in,
    viewed_copies,
)
from redis_locks.client_factory import get_redis_connection
from redis_locks.outage import outage
from redis_locks.shared_trip import Command, Errand, SharedTrip, current_trip, send_together

#: A larger frame costs every viewer more than one request for the changes.
MAX_FRAME_BYTES: Final = 64 * 1024

#: A group with the message to it.
_Message: TypeAlias = tuple[str, dict[str, object]]

log = structlog.get_logger(__name__)


def publish(saves: Sequence[PlannedSave]) -> None:
    """Publish each save whose copy has viewers; without Redis, sockets notice the new version by themselves."""
    trip = current_trip()
    if trip is not None and len(saves) == 1:
        _leave_to(trip, saves[0])
        return
    try:
        _publish(_client(), saves)
    except (RedisError, OSError) as error:
        _note_failure(error, copies=len(saves))


def _leave_to(trip: SharedTrip, save: PlannedSave) -> None:
    """Publish ``save`` with ``trip``, if its copy had viewers when it was locked. Viewers who came later, and those
    of other copies, are known only when the trip is over: they are sent messages of their own.
    """
    place, sender = _place(save), _sender(save)
    question = question_of(place.tenant_id, place.copy_id)
    was_viewed = bool(trip.known.pop(question, 0))
    own = (group_of(place.tenant_id, place.copy_id), _message)
    commands = [_command(own[0], own[1](save, sender))] if was_viewed else []

    def go_on(replies: Sequence[Any]) -> None:
        is_viewed, listed = replies[-2:]
        others = siblings_in(listed, copy_id=place.copy_id)
        messages = [own] if is_viewed and not was_viewed else []
        messages += [(group_of(place.tenant_id, other), _message_to_siblings) for other in others]
        try:
            _send(_client, [(group, message(save, sender)) for group, message in messages])
        except (RedisError, OSError) as error:
            _note_failure(error)
        except Exception:
            # The save is in the database: an error now would say the opposite.
            log.exception("publishing_failed", copies=1)

    commands += [question, sibling_question_of(place.tenant_id, place.form_id)]
    trip.add(Errand(commands, then=go_on, failed=_note_failure))


def _publish(redis: Redis, saves: Sequence[PlannedSave]) -> None:
    places = [_place(save) for save in saves]
    messages: list[_Message] = []
    for place, save, (is_viewed, others) in zip(places, saves, viewed_copies(redis, places), strict=True):
        if is_viewed:
            messages.append((group_of(place.tenant_id, place.copy_id), _message(save, _sender(save))))
        messages += [(group_of(place.tenant_id, other), _message_to_siblings(save, _sender(save))) for other in others]
    _send(lambda: redis, messages)


def _send(client: Callable[[], Redis], messages: Sequence[_Message]) -> None:
    if not messages:
        return
    for reply in send_together(client(), [_command(group, message) for group, message in messages]):
        if isinstance(reply, RedisError):
            raise reply


def _command(group: str, message: dict[str, object]) -> Command:
    return "PUBLISH", address(group), encode(message)


def _client() -> Redis:
    return outage.client_or_raise(get_redis_connection("default"))


def _note_failure(error: Exception, *, copies: int = 1) -> None:
    if isinstance(error, RedisError):
        outage.failed_with(error)
    log.warning("publishing_without_redis", copies=copies)


def _place(save: PlannedSave) -> Place:
    return Place(save.context.tenant_id, save.loaded.form.id, save.loaded.copy.id)


def _message(save: PlannedSave, sender: str) -> dict[str, object]:
    """Return the message to publish. It contains the encoded frame, so that no receiver has to encode it again."""
    frame = write(_changed(save, live_facts(save)))
    if len(frame) > MAX_FRAME_BYTES:
        frame = write(_changed(save, {}))
    return {"type": "copy.changed", "version": save.result.version, "sender": sender, "frame": frame}


def _message_to_siblings(save: PlannedSave, sender: str) -> dict[str, object]:
    """Return the message to the viewers of the form's other copies: nothing of what was saved."""
    return {"type": "copy.sibling", "sender": sender, "frame": write(Sibling(copy=str(save.loaded.copy.id)))}


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
