"""What follows a commit: a hint that there are actions to be run. Nothing here can fail a save that is done."""

from __future__ import annotations

from collections.abc import Iterable

from actions.outbox import wake
from batch.setting import SaveResult
from tenants.failpoints import reach
from tenants.models import Tenant


def hand_over(results: Iterable[SaveResult], *, scope: Tenant) -> None:
    """Hint at the actions that the saves have left in the tenant's outbox; call it once they are committed."""
    reach("hint_sending")
    if any(result.actions for result in results):
        wake(scope.database_alias)
    reach("hint_sent")
