"""Texts without the parts that chance makes: a few digits are found by accident in ids, moments, keys and hashes."""

from __future__ import annotations

import re
from typing import Any, Final

_BY_CHANCE: Final = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # ids
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"  # moments
    r"|datetime\.datetime\([\d, ]+"  # moments of Python
    r"|[A-Za-z0-9]{24,}"  # hashes and tokens
    r"|[A-Za-z0-9_/+-]{40,}={0,2}"  # keys and sealed values
    r"|\d+\.\d{3,}"  # measured times
)


def certain(*parts: Any) -> str:
    """Return all ``parts`` as one text without ids, moments, keys and hashes, in which nothing is found by chance."""
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts]
    return "\n".join(_BY_CHANCE.sub("…", text) for text in texts)
