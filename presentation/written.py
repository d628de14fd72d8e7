"""Texts that a person wrote, such as the name of a business: shown as they are, in every language. Pure."""

from __future__ import annotations


class Written(str):
    """A text of a person. It is never translated, also where a word of the product is the same."""

    __slots__ = ()
