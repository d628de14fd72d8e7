"""What may be shown of a sensitive answer. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import AnswerValue

#: Stands for a personal answer that the reader has no right to.
HIDDEN: Final = "••••"


def mask(value: AnswerValue) -> str:
    """Return what may be shown of a sensitive ``value``: its last four characters, less than half of a short one."""
    text = str(value)
    shown = min(4, (len(text) - 1) // 2)
    return f"{HIDDEN} {text[-shown:]}" if shown else HIDDEN
