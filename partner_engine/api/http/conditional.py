"""Entity tags and the conditional headers (RFC 9110, section 13).

The tag of a read of a copy begins with its version, which is all that ``If-Match`` compares, and goes on with all else
that the body depends on, so that a 304 hides no change. The tag of a response without a version is the digest of its
bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from partner_engine.problems import Refused

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')
_VERSION: Final = re.compile(r"(\d{1,10})(?:-[0-9a-z.-]{1,100})?")
#: The longest conditional header, in characters.
MAX_HEADER: Final = 1_000


def version_tag(version: int) -> str:
    """Return the strong entity tag of a write, which is for ``If-Match``: ``"7"``."""
    return f'"{version}"'


def read_tag(version: int, *, release: int, day: date, others: Iterable[object]) -> str:
    """Return the strong entity tag of a read: ``"7-12-20261128-9f86d081"``.

    ``release`` and ``day`` are those of the decision in the body, ``others`` all else that the body depends on, such as
    the reader's rights.
    """
    digest = hashlib.sha256("\0".join(map(str, others)).encode()).hexdigest()
    return f'"{version}-{release}-{day:%Y%m%d}-{digest[:12]}"'


def content_tag(version: int, content: bytes) -> str:
    """Return the strong entity tag of a list of a copy's records: its version and the digest of its bytes."""
    return f'"{version}-{hashlib.sha256(content).hexdigest()[:24]}"'


def digest_tag(content: bytes) -> str:
    """Return the strong entity tag of a response without a version."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def expected_version(if_match: str | None) -> int | None:
    """Return the version that ``If-Match`` requires; None without the header or for ``*``. Raises ``Refused`` (400, or
    412 for a tag that does not begin with a version).

    The batch compares it under the lock: anywhere else the comparison would be a race.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = _tags("If-Match", if_match)
    if len(tags) != 1:
        raise _malformed("If-Match", "name one version")
    weak, tag = tags[0]
    named = _VERSION.fullmatch(tag)
    if weak or named is None:
        raise Refused(412, "version_mismatch", 'If-Match must be the strong ETag of a read, or a version such as "7".')
    return int(named[1])


def is_fresh(if_none_match: str | None, etag: str) -> bool:
    """Return whether ``If-None-Match`` names ``etag`` (weak comparison), so that the response is 304. Raises
    ``Refused`` (400), for an empty header too.
    """
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    tags = _tags("If-None-Match", if_none_match)
    if not tags:
        raise _malformed("If-None-Match", 'name a tag, such as "7"')
    return any(f'"{tag}"' == etag for _, tag in tags)


def _tags(header: str, value: str) -> list[tuple[bool, str]]:
    if len(value) > MAX_HEADER:
        raise _malformed(header, "it is too long")
    tags: list[tuple[bool, str]] = []
    position = 0
    while position < len(value):
        match = _TAG.match(value, position)
        if match is None:
            raise _malformed(header, 'write it as "7"')
        tags.append((match.group(1) is not None, match.group(2)))
        position = match.end()
    return tags


def _malformed(header: str, remedy: str) -> Refused:
    return Refused.header(header, f"{header} is malformed: {remedy}.")
