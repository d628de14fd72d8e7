"""The public form of sensitive answers. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import AnswerValue

#: Shown in place of a personal answer to a reader without the right to it.
HIDDEN: Final = "••••"


def mask(value: AnswerValue) -> str:
    """Return the mask of a sensitive ``value``: its last four characters, fewer than half of a short one."""
    text = str(value)
    shown = min(4, (len(text) - 1) // 2)
    return f"{HIDDEN} {text[-shown:]}" if shown else HIDDEN
