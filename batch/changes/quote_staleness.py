"""Marks the quotes stale whose carrier would now be sent something else, and current again where the difference is
gone. Pure.

A quote is stale if and only if the payload that would be sent now differs from the one that was sent (ADR 37). A save
compares the hashes of both, but only where something changed that the payload is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import ANSWERED, BY_PAYLOAD, VALID, QuoteRequestMutator
from batch.changes.tracker import ChangeTracker
from copies.changes import Change
from copies.paths import Path
from rules.definition.payload_model import CompiledMapping
from rules.flow.evaluation import Evaluation
from rules.payload import DecidedPayloads, fields_hash

_MOST_LABELS: Final = 5
_NOT_OFFERED: Final = "The product is no longer offered."
_BY_RELEASE: Final = "A new release of the catalogue changed what the carrier is sent."
_BY_DAY: Final = "What the carrier is sent depends on the date and has changed."
_BY_ANSWERS: Final = "What the carrier is sent has changed."


def mark_stale_quotes(
    changeset: Changeset, changes: Sequence[Change], *, before: Evaluation | None, after: Evaluation
) -> None:
    """Compare each sent quote request with what would be sent now, and mark what is stale, or no longer stale.

    Call it once the rules have decided the changeset: ``before`` is the evaluation of the document as loaded (None for
    a new copy), ``after`` the present one, ``changes`` are those of the document.
    """
    sent = [request for request in changeset.quote_requests if _is_compared(request)]
    if not sent:
        return
    comparison = PayloadComparison(changeset.tracker, before=before, after=after)
    for request in sent:
        row = request.row
        differs = comparison.differs(row.product, payload_hash=row.payload_hash, token=row.request_token)
        if differs is False and row.state == "stale" and not _has_ended(request, changeset):
            request.mark_current()
        elif differs and row.state != "stale":
            request.mark_stale(comparison.reason(row.product, changes), by=BY_PAYLOAD)


def end_quotes(changeset: Changeset) -> None:
    """Let the quotes expire whose validity has ended, and those that are stale until then."""
    for request in changeset.quote_requests:
        is_open = request.row.state in VALID or (request.row.state == "stale" and request.row.stale_by == BY_PAYLOAD)
        if is_open and _has_ended(request, changeset):
            request.expire()


def _has_ended(request: QuoteRequestMutator, changeset: Changeset) -> bool:
    """Return whether the last day is over on which the carrier's quote is valid."""
    last = request.row.valid_until
    return last is not None and last < changeset.tracker.context.today


def _is_compared(request: QuoteRequestMutator) -> bool:
    row = request.row
    return bool(row.payload_hash) and (row.state in ANSWERED or (row.state == "stale" and row.stale_by == BY_PAYLOAD))


class PayloadComparison:
    """The payloads of one decided changeset, compared with those that were sent. Each is built at most once."""

    def __init__(self, tracker: ChangeTracker, *, before: Evaluation | None, after: Evaluation) -> None:
        self._tracker = tracker
        self._before = before
        self._after = after
        self._moved = _moved_codes(tracker, before, after)
        self._payloads = DecidedPayloads(tracker.catalogue, tracker.document, after)
        self._fields: dict[str, dict[str, Any]] = {}

    def differs(self, product: str, *, payload_hash: str, token: str) -> bool | None:
        """Return whether the payload for ``product`` differs from the one with ``payload_hash``; None if nothing that
        it is made of has changed since the load. The payload of a product that the release does not have differs.
        """
        compiled = self._tracker.catalogue.products.get(product)
        if compiled is None:
            return True
        if self._moved is not None and self._moved.isdisjoint(compiled.payload.quote.reads):
            return None
        if product not in self._fields:
            self._fields[product] = self._payloads.fields(product)
        return fields_hash(self._fields[product], token) != payload_hash

    def reason(self, product: str, changes: Iterable[Change]) -> str:
        """Return why the quote is stale: the labels of what changed, never a value."""
        compiled = self._tracker.catalogue.products.get(product)
        if compiled is None:
            return _NOT_OFFERED
        labels = self._labels(compiled.payload.quote, changes)
        if labels:
            more = len(labels) - _MOST_LABELS
            named = [*labels[:_MOST_LABELS], f"{more} more"] if more > 0 else labels
            return f"{', '.join(named[:-1])} and {named[-1]} changed." if len(named) > 1 else f"{named[0]} changed."
        if self._before is not None and self._before.release != self._after.release:
            return _BY_RELEASE
        return _BY_DAY if self._before is not None and self._before.as_of != self._after.as_of else _BY_ANSWERS

    def _labels(self, mapping: CompiledMapping, changes: Iterable[Change]) -> list[str]:
        """Return the labels of the changed questions, and the titles of pools with changed rows, that are sent; of
        those that only lead to what is sent, if no other changed.
        """
        changed = [_code_of(change.path) for change in changes if Path(change.path).is_in_document]
        sent = frozenset().union(*(field.questions for field in mapping.leaves()))
        pools = mapping.reads & self._tracker.catalogue.pools.keys()
        for codes in (sent | pools, mapping.reads):
            found = dict.fromkeys(self._label(code) for code in changed if code in codes)
            if found:
                return list(found)
        return []

    def _label(self, code: str) -> str:
        catalogue = self._tracker.catalogue
        if code in catalogue.questions:
            return catalogue.questions[code].question.label.rstrip("?.:")
        return catalogue.sets[catalogue.pools[code].set_code].question_set.title


def _moved_codes(
    tracker: ChangeTracker, before: Evaluation | None, after: Evaluation
) -> frozenset[str] | None:  # fmt: skip
    """Return the codes of all questions and pools whose values may have changed since the load; None if any may have:
    under another release or edition, on another day, or in a document that was replaced.

    Values that depend on others by their visibility are touched themselves; a payload reads all inputs of its derived
    values, and all conditions of its pools.
    """
    if before is None or tracker.is_replaced or before.undecided != after.undecided:
        return None
    if (before.release, before.as_of, before.edition) != (after.release, after.as_of, after.edition):
        return None
    return frozenset(map(_code_of, tracker.touched_paths))


def _code_of(path: str) -> str:
    """Return the code of the question at ``path``, or of the pool of the row at ``path``."""
    place = Path(path)
    return place.pool if place.is_row else place.code
