"""Decides a stream of stored documents under a release, without saving them: for runs, for lists, and to compare.

Only what the rules read is decoded. A single-threaded program may share the work between processes; memory stays flat
in both cases, because the stream is read no faster than it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property, partial
from typing import Final, Protocol
from uuid import UUID

import msgspec

from copies.codec import UnreadableDocument, decode, decode_narrow_document
from copies.document import Document
from copies.sealed_answers import Sealer
from decisions.forked_work import map_in_order
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from encryption.wrapped_key import WrappedKey
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import Renames
from rules.flow import check_flow
from rules.flow.day import depends_on_day
from rules.flow.evaluation import Evaluation, FlowResult
from rules.flow.followed_renames import follow_renames

#: What makes one document undecidable, and no other.
FAULTS: Final = (UnreadableDocument, DecryptionFailed, KeyServiceUnavailable, msgspec.MsgspecError)


class DecidingRelease(Protocol):
    """The release to decide with, as far as it is read."""

    @property
    def id(self) -> int:
        """Return its id."""

    @property
    def compiled(self) -> CompiledCatalogue:
        """Return its compiled catalogue."""


class StoredCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A copy as it is stored: its document and evaluation, its evaluation date, and the renames since its last save."""

    id: UUID
    tenant_id: UUID
    as_of: date
    document: bytes
    evaluation: bytes = b""
    key: WrappedKey | None = None
    renames: tuple[Renames, ...] = ()


class DecidedCopy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The decision on one copy. ``is_same`` states that a save would change nothing, ``is_dated`` that the decision may
    be another one on another day; ``error`` names the fault of an undecidable copy, which has no evaluation.
    """

    id: UUID
    is_same: bool = False
    is_dated: bool = True
    encoded: bytes = b""
    error: str = ""

    @cached_property
    def evaluation(self) -> Evaluation:
        """Return the evaluation."""
        return msgspec.json.decode(self.encoded, type=Evaluation)


_encoder: Final = msgspec.json.Encoder()


def decide_many(stream: Iterable[StoredCopy], release: DecidingRelease, *, workers: int = 0) -> Iterator[DecidedCopy]:
    """Yield the decision of ``release`` on each copy of ``stream``, in its order.

    ``workers`` is the number of processes, by default as many as there are cores for a program of one thread, and 1 in
    all others (a fork would copy the locks of the other threads).
    """
    yield from map_in_order(partial(decide_one, release=release), stream, workers=workers)


def decide_one(copy: StoredCopy, release: DecidingRelease) -> DecidedCopy:
    """Return the decision of ``release`` on one copy."""
    try:
        document, result = flow_of(copy, release)
        is_comparable = bool(copy.evaluation) and not copy.renames
        is_same = is_comparable and _changes_nothing(result, decode(copy.evaluation, Evaluation))
    except FAULTS as error:
        return DecidedCopy(id=copy.id, error=type(error).__name__)
    is_dated = depends_on_day(release.compiled, document)
    return DecidedCopy(id=copy.id, is_same=is_same, is_dated=is_dated, encoded=_encoder.encode(result.evaluation))


def flow_of(copy: StoredCopy, release: DecidingRelease) -> tuple[Document, FlowResult]:
    """Return the document of ``copy`` as far as the rules read it, and their result. Raises ``UnreadableDocument``,
    ``DecryptionFailed``, ``KeyServiceUnavailable``.
    """
    document = decode_narrow_document(copy.document)
    sealer = Sealer(tenant_id=copy.tenant_id, copy_id=copy.id, key=copy.key)
    follow_renames(document, copy.renames, sealing=sealer)
    result = check_flow.run(release.compiled, document, as_of=copy.as_of, release=release.id, reveal=sealer.reveal)
    return document, result


def _changes_nothing(result: FlowResult, before: Evaluation) -> bool:
    """Return whether applying ``result`` would leave document and decision as they are."""
    after = result.evaluation
    if any((result.states, result.dropped, result.added_sets, result.removed_sets)):
        return False
    if result.completed_sets or result.reopened_sets:
        return False
    decisions = [(one.eligibility, one.needed, one.messages, one.derived) for one in (before, after)]
    return decisions[0] == decisions[1]
