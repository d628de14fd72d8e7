"""The product's texts use plain English: no phrase of the former private dialect comes back."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.house.test_promises import CHECKOUT, tracked_files

#: Phrases that the style guide in CONTRIBUTING.md replaces, each with its replacement.
PHRASES = {
    r"\bwhoever\b": "a noun: the caller, the reader, the user",
    r"\bthose who\b": "a noun",
    r"\blookers?-on\b|\bwho looks?\b": "viewers",
    r"\b(that|which|there) (is|are) none\b": "missing, invalid, unknown",
    r"\bgood any ?more\b": "valid",
    r"\bstands? otherwise\b": "changed",
    r"\b(is|are|was|were) told\b": "notified, published, reported, returned",
    r"\btells? (what|whether|who|those|of|when|how|which)\b": "return, report, state, show",
    r'\bto mend\b|\bmended\b|\bmends?\b(?!")': "fix",  # "mend" in quotes is a word that people search
    r"\bbeside (its|the) documents?\b|\brows beside\b": "attached records",
    r"\bothers? by now\b": "changed meanwhile",
    r"\bhand(s|ed|ing)? over\b": "after commit",
    r"\bguest tokens?\b": "guest link",
    r"\bword with redis\b": "round trip",
    r"\bis at (it|work on it)\b": "runs",
    r"\bwhat became of\b|\bwhat came of\b": "the result of",
    r"\bneighbou?rs?\b": "attached record; other endpoints, other copies",
    r"\bguests' links?\b|\bguest's links\b": "guest link",
    r"\bis asked for\b|\bare asked to\b": "is requested, is required",
    r"\bwords? with\b": "round trip",
    r"\bheld up\b|\bholds? up (no|nobody)\b": "delayed, delays no other",
    r"\bin peace\b|\bof another making\b": "in an orderly way; foreign",
    r"\b(had|have|has) served (its|their) time\b": "expired",
    r"_(that|which)_(is|are)_none\b|_is_told\b|_are_told\b": "invalid_..., ..._is_reported",
}
_TEXTS = (".py", ".md", ".html", ".js", ".css", ".txt", ".toml")
#: This file names the phrases, and the style guide explains them.
_EXEMPT = (
    "tests/house/test_plain_english.py",
    "CONTRIBUTING.md",
    "requirements",
    "static/web/vendor/",
    "docs/benchmarks/",
)


@cache
def texts() -> dict[str, str]:
    """Return the content of all files that contain prose or code, by path."""
    paths = [path.relative_to(CHECKOUT).as_posix() for path in tracked_files()]
    known = [path for path in paths if path.endswith(_TEXTS) and not path.startswith(_EXEMPT)]
    return {path: (CHECKOUT / path).read_text(encoding="utf-8") for path in known}


@cache
def lower_texts() -> dict[str, str]:
    """Return the texts in lower case, in which the lower-case patterns are sought more quickly."""
    return {path: text.lower() for path, text in texts().items()}


@pytest.mark.parametrize("pattern", PHRASES, ids=lambda pattern: re.sub(r"\W+", " ", pattern).strip())
def test_no_text_contains_the_phrase(pattern: str) -> None:
    found = []
    for path, text in texts().items():
        if not re.search(pattern, lower_texts()[path]):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line, re.IGNORECASE):
                found.append(f"{path}:{number}: {line.strip()[:90]}")

    assert found == [], f"write instead: {PHRASES[pattern]}"
