"""Named points of a save, and of its effects, at which a test can stop or kill the process.

An unarmed point costs one read of a global. Arming needs a development installation, or ALLOW_FAILPOINTS=1.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Final

from django.conf import settings

#: In the order of a save; only new copies of tenants with their own database pass ``index_written``.
SAVING: Final = (
    "lock_acquired",
    "loaded",
    "before_save",
    "rules_fired",
    "compared",
    "emitted",
    "responded",
    "assembled",
    "lock_extended",
    "index_written",
    "write_sending",
    "written",
    "moved_on",
    "hint_sending",
    "lock_releasing",
    "lock_released",
    "hint_sent",
)
#: In the order of a deferred action, then of a webhook's delivery.
RELAYING: Final = ("action_claimed", "action_ran", "action_settled")
DELIVERING: Final = ("webhook_claimed", "webhook_posted", "webhook_noted", "webhook_recorded")
#: In the order of an action that calls a carrier; ``carrier_called`` is passed on the loop of calls.
CALLING: Final = (
    "carrier_claimed",
    "carrier_prepared",
    "carrier_called",
    "carrier_replied",
    "carrier_concluded",
    "carrier_settled",
)
#: In the order of one chunk of a run that decides copies anew.
DECIDING: Final = ("decisions_noted", "decided_chunk")
#: In the order of one step of a roll-out.
GUARDING: Final = ("roll_out_changing", "roll_out_changed", "roll_out_settling", "roll_out_step_ended")
#: In the order of a tenant's move to another database.
MOVING: Final = (
    "move_target_prepared",
    "move_source_prepared",
    "move_chunk_copied",
    "move_changes_repeated",
    "move_compared",
    "move_switching",
    "move_switched",
    "move_led",
    "move_old_rows_deleted",
)
#: In the order of the erasure of a form, then of a tenant.
ERASING: Final = ("form_erasure_begun", "form_rows_erased", "tenant_erasure_begun", "tenant_rows_erased")
#: In the order of one chunk of a batch operation.
OPERATING: Final = ("operation_claimed", "operation_chunk_ended")
#: In the order of the save of one chunk of an import, between ``write_sending`` and ``written``.
IMPORTING: Final = ("import_recording", "import_recorded")
FAILPOINTS: Final = (
    SAVING + RELAYING + DELIVERING + CALLING + DECIDING + GUARDING + MOVING + ERASING + OPERATING + IMPORTING
)
Action = Callable[[str], object]


class FailpointReached(Exception):
    """The armed point was reached and its action is ``raise``."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The armed failpoint {name!r} was reached.")


class FailpointsRefused(RuntimeError):
    """A failpoint cannot or must not be armed."""


def _kill(name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(name: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _raise(name: str) -> None:
    raise FailpointReached(name)


ACTIONS: Final[Mapping[str, Action]] = {"kill": _kill, "stop": _stop, "raise": _raise}


class Failpoint:
    """One armed point: it acts once, when it is reached for the ``nth`` time."""

    def __init__(self, name: str, *, nth: int, action: Action) -> None:
        """Check ``name``. Raises ``FailpointsRefused``."""
        require_known(name)
        self.name = name
        self._nth = nth
        self._action = action
        self._passes = count(1)

    def strike(self, name: str) -> None:
        """Act if ``name`` is this point and its turn has come. Raises ``FailpointsRefused`` for an unknown name."""
        require_known(name)
        if name == self.name and next(self._passes) == self._nth:
            self._action(name)


_armed: Failpoint | None = None


def failpoint(name: str) -> None:
    """Mark the point ``name`` of ``FAILPOINTS``; does nothing unless one is armed."""
    if _armed is not None:
        _armed.strike(name)


@contextmanager
def armed(name: str, *, nth: int = 1, action: str | Action = "raise") -> Iterator[Failpoint]:
    """Arm one point for the block, in all threads of this process; the previous one is restored afterwards.

    ``action`` is kill (SIGKILL to oneself), stop (SIGSTOP), raise (``FailpointReached``), or a callable that receives
    the name. Raises ``FailpointsRefused``.
    """
    global _armed
    require_permission()
    before, _armed = _armed, Failpoint(name, nth=nth, action=_action(action))
    try:
        yield _armed
    finally:
        _armed = before


def parse(text: str) -> Failpoint | None:
    """Return the point that ``name[:nth][:action]`` describes, or None for an empty text; ``nth`` counts from 1, the
    default action is kill. Raises ``FailpointsRefused``.
    """
    if not text:
        return None
    require_permission()
    name, *rest = text.split(":")
    nth = int(rest.pop(0)) if rest and rest[0].isdigit() else 1
    action = rest.pop(0) if rest else "kill"
    if nth < 1 or rest:
        raise FailpointsRefused("FAILPOINT must be name[:nth][:action], nth from 1.")
    return Failpoint(name, nth=nth, action=_action(action))


def require_permission() -> None:
    """Raise ``FailpointsRefused`` where no point may be armed."""
    if not settings.FAILPOINTS_ALLOWED:
        raise FailpointsRefused(
            "Failpoints kill or stop this process on purpose and DEBUG is off: take FAILPOINT out of the "
            "environment, or set ALLOW_FAILPOINTS=1 where that is wanted."
        )


def require_known(name: str) -> None:
    """Raise ``FailpointsRefused`` for an unknown name."""
    if name not in FAILPOINTS:
        raise FailpointsRefused(f"There is no failpoint {name!r}; there are {', '.join(FAILPOINTS)}.")


def _action(action: str | Action) -> Action:
    if callable(action):
        return action
    if action not in ACTIONS:
        raise FailpointsRefused(f"There is no action {action!r}; there are {', '.join(ACTIONS)}.")
    return ACTIONS[action]


_armed = parse(settings.FAILPOINT)
