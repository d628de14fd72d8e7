"""The public form of sensitive answers. Pure."""

from __future__ import annotations

import re
from typing import Final

from copies.document import AnswerValue

#: Shown in place of a personal answer to a reader without the right to it.
HIDDEN: Final = "••••"

#: Blanks and signs without a shape at the beginning of a text.
_UNSEEN: Final = re.compile(r"\A[\s\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
_MASK: Final = re.compile(rf"{HIDDEN}(?: .{{1,4}})?", re.DOTALL)


def mask(value: AnswerValue) -> str:
    """Return the mask of a sensitive ``value``: its last four characters, fewer than half of a short one."""
    text = str(value)
    shown = min(4, (len(text) - 1) // 2)
    return f"{HIDDEN} {text[-shown:]}" if shown else HIDDEN


def begins_like_mask(value: object) -> bool:
    """Return whether ``value`` is a text that begins with the sign of a mask, which no answer may do."""
    # Nearly no answer contains the sign, and all are asked.
    return isinstance(value, str) and HIDDEN in value and _UNSEEN.sub("", value, count=1).startswith(HIDDEN)


def is_mask(value: object) -> bool:
    """Return whether ``value`` has the form of a mask: dots, and at most four characters behind them."""
    return isinstance(value, str) and _MASK.fullmatch(value) is not None
