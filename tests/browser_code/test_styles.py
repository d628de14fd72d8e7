"""Styles that make a browser look at the whole page again after each change."""

from __future__ import annotations

import re
from typing import Final

from tests.browser_code.test_modules import WEB

#: What follows a ``:has()`` and all descendants of some tag: ``label:has(:disabled) input``.
TAG_BELOW_HAS: Final = re.compile(r":has\((?:[^(){};]|\([^()]*\))*\)[^,{};()]*[\s>+~](?:[a-z*][\w-]*)(?=[\s,{:.\[])")
COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


def selectors(text: str) -> list[str]:
    """Return the selectors of a style sheet, without at-rules."""
    found = re.findall(r"([^{};]+)\{", COMMENT.sub("", text))
    return [one.strip() for rule in found if "@" not in rule for one in re.split(r",(?![^(]*\))", rule)]


def reaches_a_tag(selector: str) -> bool:
    return TAG_BELOW_HAS.search(f"{selector} {{") is not None


def test_no_has_reaches_every_element_of_a_tag() -> None:
    # Chromium then restyles all of them, in all rows, with a focus or a new element: 20 ms among many rows.
    found = {
        f"{path.name}: {selector}"
        for path in WEB.glob("*.css")
        if "print" not in path.name
        for selector in selectors(path.read_text("utf-8"))
        if reaches_a_tag(selector)
    }

    assert found == set()


def test_the_check_finds_a_tag() -> None:
    assert selectors("a:has(b, c) input,\nd { e: f; }") == ["a:has(b, c) input", "d"]
    assert reaches_a_tag(".segments label:has(:disabled) input")
    assert reaches_a_tag("label:has(:not(.a)) > *")
    assert not reaches_a_tag(".rows:not(:has(*)) + .pool-foot")
    assert not reaches_a_tag("label:has(:disabled)")
