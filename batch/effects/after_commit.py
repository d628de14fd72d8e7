"""Effects after the commit of a save: live updates are published, the relay is woken. Nothing here fails the save."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from actions import live_updates
from actions.wakeup import wake_relay
from batch.effects.actions_of_save import live_facts
from batch.storage.load import CopyRecord
from batch.storage.records import SaveResult, Setting
from failpoints import failpoint


def after_commit(saves: Sequence[tuple[CopyRecord, Setting, SaveResult]]) -> None:
    """Publish the live updates of ``saves``, all of one tenant, and wake the relay for their actions.

    Call it outside of any transaction. Never raises.
    """
    failpoint("hint_sending")
    live_updates.publish([_saved(copy, setting, result) for copy, setting, result in saves if result.written])
    if any(result.actions for _, _, result in saves):
        wake_relay(saves[0][1].scope.database_alias)
    failpoint("hint_sent")


def _saved(copy: CopyRecord, setting: Setting, result: SaveResult) -> live_updates.Saved:
    return live_updates.Saved(
        tenant_id=setting.scope.id,
        copy_id=copy.id,
        version=result.version,
        release=setting.release.id,
        actor=(setting.actor.type, setting.actor.id),
        label=setting.actor.label,
        sender=live_updates.current_sender(),
        correlation_id=setting.correlation_id,
        facts=partial(_facts, setting, result),
    )


def _facts(setting: Setting, result: SaveResult) -> dict[str, Any]:
    return live_facts(
        setting.release.compiled,
        changes=result.changes,
        moved=result.moved,
        needed=result.evaluation.needed,
        messages=result.evaluation.messages,
    )
