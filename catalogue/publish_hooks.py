"""What a publish sets off in higher rooms, which declare it with ``@after_publish`` in their ``handlers.py``.

A hook runs in the publishing process, right after the release became current and outside of any transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from copies.changes import strictest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A release that has just become current: its catalogue's code, and the codes of the questions that are stricter
    than in the release before, with their sensitivity then and now. A question that was removed counts as secret.
    """

    catalogue: str
    release_id: int
    stricter: Mapping[str, tuple[str, str]]

    @property
    def secret(self) -> frozenset[str]:
        """Return the questions that became secret."""
        return frozenset(code for code, (_, now) in self.stricter.items() if now == "spi")


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksRun:
    """What the hooks have to say to the person who publishes, and the names of those that failed."""

    notices: tuple[str, ...]
    failed: tuple[str, ...]


#: Returns sentences for the person who publishes.
Hook: TypeAlias = Callable[[Published], Sequence[str]]
_hooks: Final[list[Hook]] = []


def after_publish(hook: Hook) -> Hook:
    """Run ``hook`` after every publish that follows an earlier one; its failure fails no publish."""
    if hook not in _hooks:
        _hooks.append(hook)
    return hook


def stricter_questions(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the questions of ``before`` that are stricter in ``after``, with both sensitivities."""
    pairs = {code: (then, after.get(code, "spi")) for code, then in before.items()}
    return {code: pair for code, pair in pairs.items() if pair[0] != pair[1] and strictest(*pair) == pair[1]}


def run_hooks(published: Published) -> HooksRun:
    """Run every hook, whether the others fail or not."""
    notices: list[str] = []
    failed: list[str] = []
    for hook in _hooks:
        try:
            notices += hook(published)
        except Exception:
            # The release is current: an error now would say the opposite.
            log.exception("publish_hook_failed", hook=hook.__name__, release=published.release_id)
            notices.append(f"A step after publishing failed ({hook.__name__}); see the log.")
            failed.append(hook.__name__)
    return HooksRun(notices=tuple(notices), failed=tuple(failed))
