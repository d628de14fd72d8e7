"""Differences between two contents of bytes: what is equal at both ends is left out, the rest is compressed against the
earlier content. Pure.

A form is edited in one place at a time, so a difference is some hundred bytes (docs/adr/0033).
"""

from __future__ import annotations

import threading
from typing import Final

import zstandard

#: Level 3 finds a distant match that level 1 misses; on the short middles of differences both take the same time.
_LEVEL: Final = 3
#: Shorter middles gain next to nothing from the earlier content, and compressing against it takes three times as long.
_LONGEST_ALONE: Final = 1024
_NUMBER: Final = 4
_local = threading.local()


class WrongDelta(Exception):
    """The bytes are no difference from this content."""


def difference(before: bytes, after: bytes) -> bytes:
    """Return what ``restore`` needs besides ``before`` to make ``after``."""
    shorter = min(len(before), len(after))
    head = shorter if before == after else _equal_head(before, after, shorter)
    tail = _equal_tail(before, after, shorter - head)
    replaced, middle = before[head : len(before) - tail], after[head : len(after) - tail]
    frame = _compressor(_dictionary(replaced, len(middle))).compress(middle)
    return head.to_bytes(_NUMBER, "big") + tail.to_bytes(_NUMBER, "big") + frame


def restore(before: bytes, delta: bytes, *, most: int) -> bytes:
    """Return the content whose ``difference`` from ``before`` is ``delta``, of at most ``most`` bytes.

    Raises ``WrongDelta``.
    """
    head, tail = (int.from_bytes(delta[at : at + _NUMBER], "big") for at in (0, _NUMBER))
    frame = delta[2 * _NUMBER :]
    try:
        length = zstandard.frame_content_size(frame)
        if head + tail > len(before) or not 0 <= length <= most:
            raise WrongDelta("The difference does not fit the version before.")
        replaced = before[head : len(before) - tail]
        middle = _decompressor(_dictionary(replaced, length)).decompress(frame)
    except zstandard.ZstdError as error:
        raise WrongDelta("The difference cannot be read.") from error
    return b"".join((before[:head], middle, before[len(before) - tail :]))


def _compressor(dictionary: zstandard.ZstdCompressionDict | None) -> zstandard.ZstdCompressor:
    """Return the thread's compressor; one with a dictionary cannot be kept for the next content."""
    if dictionary is not None:
        return zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary)
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def _decompressor(dictionary: zstandard.ZstdCompressionDict | None) -> zstandard.ZstdDecompressor:
    if dictionary is not None:
        return zstandard.ZstdDecompressor(dict_data=dictionary)
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor


def _dictionary(replaced: bytes, length: int) -> zstandard.ZstdCompressionDict | None:
    """Return the replaced content as the dictionary for a middle of ``length``, None where it is of no use."""
    if min(len(replaced), length) <= _LONGEST_ALONE:
        return None
    return zstandard.ZstdCompressionDict(replaced, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _equal_head(before: bytes, after: bytes, longest: int) -> int:
    """Return up to which length, at most ``longest``, both contents begin with the same bytes."""
    least, most = 0, longest
    while least < most:
        middle = (least + most + 1) // 2
        if after.startswith(before[least:middle], least):
            least = middle
        else:
            most = middle - 1
    return least


def _equal_tail(before: bytes, after: bytes, longest: int) -> int:
    """Return up to which length, at most ``longest``, both contents end with the same bytes."""
    least, most, end, end_after = 0, longest, len(before), len(after)
    while least < most:
        middle = (least + most + 1) // 2
        if after.startswith(before[end - middle : end - least], end_after - middle):
            least = middle
        else:
            most = middle - 1
    return least
