"""What follows a commit: lookers-on are told, the relay gets a hint. Nothing here fails a save that is done."""

from __future__ import annotations

from collections.abc import Sequence

from actions.waking import wake
from batch.loading import CopyRecord
from batch.setting import SaveResult, Setting
from batch.telling import tell
from tenants.failpoints import reach


def hand_over(saves: Sequence[tuple[CopyRecord, Setting, SaveResult]]) -> None:
    """Tell lookers-on of ``saves``, all of one tenant, and hint at their actions; call it once they are committed."""
    reach("hint_sending")
    tell(saves)
    if any(result.actions for _, _, result in saves):
        wake(saves[0][1].scope.database_alias)
    reach("hint_sent")
