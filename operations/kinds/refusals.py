"""Turns the faults of copies into the refusals of items: codes, sentences and details as in the API's problems."""

from __future__ import annotations

from typing import Any, Final

from django.db import DatabaseError

from batch.errors import (
    AnswerFault,
    BatchError,
    IdempotencyInFlight,
    InvalidAnswers,
    LockNotAcquired,
    StaleChangeset,
)
from batch.misuse import Misuse
from copies.codec import UnreadableDocument
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from operations.kinds.kind import Refusal

#: Refusals that another try may not meet: somebody else was at work.
_TRANSIENT: Final = (LockNotAcquired, StaleChangeset, IdempotencyInFlight)
#: Classes of SQLSTATE after which the same statement fails again: wrong data, violated constraints.
_LASTING: Final = ("22", "23")
#: Lock and statement timeouts, a deadlock.
_BUSY: Final = frozenset({"55P03", "57014", "40P01"})
_TOO_LONG: Final = frozenset({"55P03", "57014"})
#: The maximum number of details of one item.
MOST_DETAILS: Final = 20

#: The faults that ``refusal_of`` knows.
FAULTS: Final = (BatchError, DatabaseError, DecryptionFailed, UnreadableDocument, KeyServiceUnavailable)

BOUND: Final = Refusal(
    code="form_bound",
    detail="This application is bound and keeps its answers and its decision. Clone or renew it instead.",
)
GONE: Final = Refusal(code="not_found", detail="There is no application form or copy with this id.")
TOO_SLOW: Final = Refusal(
    code="item_timeout", detail="The item took longer than allowed. Nothing of it was saved; try again."
)
TIMED_OUT: Final = Refusal(
    code="unavailable", detail="The database took too long for this item. It is tried again.", transient=True
)
DELETED: Final = Refusal(code="copy_deleted", detail="This copy is deleted. Restore it first.")


class ItemTookTooLong(BatchError):
    """The work on one item took longer than allowed."""

    code = TOO_SLOW.code
    sentence = TOO_SLOW.detail


def is_timeout(fault: Exception) -> bool:
    """Return whether ``fault`` says that a statement, or the wait for a lock, took too long."""
    return getattr(fault.__cause__, "sqlstate", None) in _TOO_LONG


def refusal_of(fault: Exception) -> Refusal:
    """Return ``fault`` as the refusal of an item, without values of answers.

    Raises ``fault`` itself where it is no fault of one copy: a bug, or a lost connection.
    """
    if isinstance(fault, Misuse):
        raise fault
    if isinstance(fault, InvalidAnswers):
        return _of_answers(fault)
    if isinstance(fault, BatchError):
        return Refusal(code=fault.code, detail=str(fault)[:300], transient=isinstance(fault, _TRANSIENT))
    if isinstance(fault, DatabaseError):
        return _of_database(fault)
    if isinstance(fault, DecryptionFailed):
        text = "A sensitive answer cannot be read: its key was erased, or it was altered."
        return Refusal(code="unreadable_answer", detail=text)
    if isinstance(fault, UnreadableDocument):
        return Refusal(code="unreadable_copy", detail="This copy cannot be read. Report its id to support.")
    if isinstance(fault, KeyServiceUnavailable):
        text = "The key service is unavailable. Try again in a moment."
        return Refusal(code="unavailable", detail=text, transient=True)
    raise fault


def _of_answers(fault: InvalidAnswers) -> Refusal:
    amount = len(fault.faults) + fault.more
    if fault.summary:
        detail = fault.summary
    elif amount == 1:
        detail = f"A value is invalid: {fault.faults[0].text}"
    else:
        detail = f"{amount} values are invalid; nothing was changed."
    return Refusal(code=fault.code, detail=detail[:300], errors=tuple(map(_detail, fault.faults[:MOST_DETAILS])))


def _detail(fault: AnswerFault) -> dict[str, Any]:
    detail = {"path": fault.path, "code": fault.code, "detail": fault.text}
    return {"pointer": fault.pointer, **detail} if fault.pointer else detail


def _of_database(fault: DatabaseError) -> Refusal:
    state = getattr(fault.__cause__, "sqlstate", None) or ""
    if state[:2] in _LASTING:
        return Refusal(code="not_storable", detail="The database refused this copy. Report its id to support.")
    if state not in _BUSY:
        raise fault
    return Refusal(code="unavailable", detail="The database is busy. Try again in a moment.", transient=True)
