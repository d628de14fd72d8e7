"""Signs that nobody sees: format characters, joiners, fillers and blanks that are no white space. Pure.

Phones, office programs and web pages put them around what people copy; nobody means them.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
_SELECTORS: Final = frozenset(
    [*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)), "\u180b", "\u180c", "\u180d", "\u180f"]
)
#: Letters and symbols that are displayed as a blank: Hangul fillers and the empty Braille pattern.
_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: Characters without a picture that Unicode counts neither as format characters nor as blanks.
_UNSEEN: Final = frozenset(["\u034f", "\u17b4", "\u17b5", "\u2065", *map(chr, range(0xFFF0, 0xFFF9))])
#: They show a text backwards, so that a name can look like another one.
_OVERRIDES: Final = frozenset("\u202d\u202e")


def is_invisible(sign: str) -> bool:
    """Return whether ``sign`` shows nothing, also between visible ones."""
    if sign.isascii():
        return False
    return (
        unicodedata.category(sign) == "Cf"
        or sign in _BLANKS
        or sign in _SELECTORS
        or sign in _UNSEEN
        or "\U000e0000" <= sign <= "\U000e0fff"
    )


def drop_invisible(text: str) -> str:
    """Return ``text`` without invisible signs, as the fields of numbers, dates and codes read it."""
    if text.isascii():
        return text
    return "".join(sign for sign in text if not is_invisible(sign))


def keep_visible(text: str) -> str:
    """Return ``text`` without invisible signs, "" if nothing visible remains; blanks of other scripts become spaces.

    Joiners and variation selectors stay between visible signs, because scripts and emoji need them there.
    """
    if text.isascii():
        return text
    kept: list[str] = []
    waiting: list[str] = []
    for sign in text:
        if sign in _JOINERS or sign in _SELECTORS:
            waiting.append(sign)
        elif sign in _BLANKS:
            kept += [*_between(kept, waiting, " "), " "]
            waiting.clear()
        elif not is_invisible(sign):
            kept += [*_between(kept, waiting, sign), sign]
            waiting.clear()
    kept += _between(kept, waiting, " ")
    return "".join(kept) if any(map(_is_visible, kept)) else ""


def has_override(text: str) -> bool:
    """Return whether a sign in ``text`` forces a direction of writing on the signs behind it."""
    return not text.isascii() and not _OVERRIDES.isdisjoint(text)


def is_noncharacter(sign: str) -> bool:
    """Return whether Unicode reserves ``sign`` for the inside of programs."""
    return ord(sign) & 0xFFFE == 0xFFFE or "\ufdd0" <= sign <= "\ufdef"


def _between(kept: list[str], waiting: list[str], following: str) -> list[str]:
    """Return the signs of ``waiting`` that mean something before ``following``: one selector and one joiner at most."""
    if not waiting or not kept or kept[-1].isspace():
        return []
    selector = [sign for sign in waiting if sign in _SELECTORS][:1]
    if following.isspace():
        # A selector at the end chooses the picture of a symbol.
        return selector if unicodedata.category(kept[-1]) == "So" else []
    return selector + [sign for sign in waiting if sign in _JOINERS][:1]


def _is_visible(sign: str) -> bool:
    # A sign that is newer than this Python (Cn) may well be visible; private ones (Co) have no picture of their own.
    category = unicodedata.category(sign)
    return category[0] in "LNPS" or category == "Cn"
