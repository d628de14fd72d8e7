"""What one context remembers from save to save: changesets end with each save, the memo goes on. Pure."""

from __future__ import annotations

from typing import Any


class Memo:
    """A place for what later work in the same context needs to know of earlier work. Reached as ``context.memo``.

    It is in memory alone: what has to outlive the context belongs into a process's ``details``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}
        #: How many saves of this context wrote something.
        self.saves = 0

    def remember(self, name: str, value: Any) -> None:
        """Keep ``value`` under ``name``."""
        self._kept[name] = value

    def recall(self, name: str, default: Any = None) -> Any:
        """Return what was kept under ``name``, else ``default``."""
        return self._kept.get(name, default)
