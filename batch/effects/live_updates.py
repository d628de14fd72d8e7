"""Tells those who look at copies what was saved, once it is committed; carrying it is not the batch's work."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from actions import live_updates
from batch.effects.actions_of_save import live_facts
from batch.storage.load import CopyRecord
from batch.storage.records import SaveResult, Setting


def tell(saves: Iterable[tuple[CopyRecord, Setting, SaveResult]]) -> None:
    """Tell of each save that wrote something. Never raises; call it outside of any transaction."""
    live_updates.announce(
        [_saved(copy, setting, result) for copy, setting, result in saves if result.written],
    )


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
