"""The stored form of a copy's versions: every eighth as a whole, the others as their difference from the version
before. Pure.

A revision's document and evaluation are either both whole, in the form in which the copy has them, or both differences,
which begin with a zero byte. Changes are always whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from copies.codec import (
    MAX_DECODED_BYTES,
    UnreadableDocument,
    content_of,
    content_of_document,
    store,
    store_document,
)
from copies.deltas import WrongDelta, difference, restore

#: A whole version comes after at most this many: measured in docs/adr/0033.
WHOLE_EVERY: Final = 8
_DELTA: Final = b"\0"


class Content(NamedTuple):
    """The content of a version before compression: the document's with its schema version in front."""

    document: bytes
    evaluation: bytes

    @classmethod
    def of(cls, document: bytes, evaluation: bytes) -> Content:
        """Return the content of the stored ``document`` and ``evaluation`` of a copy. Raises ``UnreadableDocument``."""
        return cls(content_of_document(document), content_of(evaluation))

    def stored(self) -> tuple[bytes, bytes]:
        """Return document and evaluation in the form in which a copy stores them."""
        return store_document(self.document), store(self.evaluation)


class StoredVersion(NamedTuple):
    """Document and evaluation as a revision stores them."""

    document: bytes
    evaluation: bytes
    is_whole: bool


def stored_version(version: int, whole: StoredVersion, content: Content, before: Content | None) -> StoredVersion:
    """Return how ``version`` is stored: as its difference from the content ``before``, or ``whole`` where its turn has
    come, where nothing is before it, or where the difference would not be much smaller.
    """
    if before is None or version % WHOLE_EVERY == 1:
        return whole
    document = _DELTA + difference(before.document, content.document)
    if len(document) * 2 > len(whole.document):
        return whole
    return StoredVersion(document, _DELTA + difference(before.evaluation, content.evaluation), is_whole=False)


def read_version(stored: StoredVersion, before: Content | None) -> Content:
    """Return the content of a stored version; ``before`` is that of the version before it.

    Raises ``UnreadableDocument``.
    """
    if stored.is_whole:
        return Content.of(stored.document, stored.evaluation)
    if before is None or stored.document[:1] != _DELTA or stored.evaluation[:1] != _DELTA:
        raise UnreadableDocument("The stored version is a difference, and the version before it is missing.")
    try:
        return Content(
            restore(before.document, stored.document[1:], most=MAX_DECODED_BYTES),
            restore(before.evaluation, stored.evaluation[1:], most=MAX_DECODED_BYTES),
        )
    except WrongDelta as error:
        raise UnreadableDocument(str(error)) from error


def read_evaluations(versions: Iterable[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes]]:
    """Yield number and evaluation (JSON) of each of ``versions``: number, stored evaluation, whether it is whole. They
    come in their order from a whole one on. Raises ``UnreadableDocument``.
    """
    before = b""
    for number, stored, is_whole in versions:
        try:
            before = content_of(stored) if is_whole else restore(before, stored[1:], most=MAX_DECODED_BYTES)
        except WrongDelta as error:
            raise UnreadableDocument(str(error)) from error
        yield number, before


def read_versions(versions: Iterable[tuple[int, StoredVersion]]) -> Iterator[tuple[int, Content]]:
    """Yield number and content of each of ``versions``, which come in their order from a whole one on.

    Raises ``UnreadableDocument``.
    """
    before: tuple[int, Content] | None = None
    for number, stored in versions:
        follows = before is not None and before[0] == number - 1
        content = read_version(stored, before[1] if before is not None and follows else None)
        before = number, content
        yield before
