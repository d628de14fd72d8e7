"""What follows a commit: lookers-on are told, the relay gets a hint. Nothing here fails a save that is done."""

from __future__ import annotations

from collections.abc import Sequence

from actions.wakeup import wake
from batch.effects.live_updates import tell
from batch.storage.load import CopyRecord
from batch.storage.records import SaveResult, Setting
from failpoints import failpoint


def hand_over(saves: Sequence[tuple[CopyRecord, Setting, SaveResult]]) -> None:
    """Tell lookers-on of ``saves``, all of one tenant, and hint at their actions; call it once they are committed."""
    failpoint("hint_sending")
    tell(saves)
    if any(result.actions for _, _, result in saves):
        wake(saves[0][1].scope.database_alias)
    failpoint("hint_sent")
