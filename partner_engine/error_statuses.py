"""The HTTP status of every refusal of the batch, for API and pages alike. The batch itself knows no HTTP. Pure."""

from __future__ import annotations

from typing import Final

from batch.errors import (
    AnswersMissing,
    BatchError,
    CopyIsDeleted,
    CopyIsHeld,
    CopyIsLocked,
    GuestLinkInvalid,
    IdempotencyConflict,
    IdempotencyInFlight,
    IdempotencyReplay,
    InvalidAnswers,
    LastCopy,
    LockNotAcquired,
    LooksLikeAccountNumber,
    LooksSensitive,
    NoReason,
    NoRunningProcess,
    NotFound,
    NothingToReveal,
    PoolIsFull,
    QuestionSetIsAskedFor,
    ReadOnlyAnswer,
    StaleChangeset,
    TooManyGuestLinks,
    TwiceInChunk,
    UnknownCatalogue,
    UnknownNeighbour,
    UnknownPart,
    UnknownPool,
    UnknownProduct,
    UnknownQuestion,
    UnknownQuestionSet,
    UnknownRow,
    VersionMismatch,
    WrongState,
    WrongValue,
)
from batch.misuse import Misuse

STATUS: Final[dict[type[BatchError], int]] = {
    Misuse: 500,
    BatchError: 500,
    NotFound: 404,
    LockNotAcquired: 409,
    StaleChangeset: 409,
    VersionMismatch: 412,
    CopyIsLocked: 409,
    CopyIsDeleted: 409,
    CopyIsHeld: 409,
    LastCopy: 409,
    TwiceInChunk: 409,
    IdempotencyConflict: 422,
    IdempotencyInFlight: 409,
    IdempotencyReplay: 409,
    NoReason: 422,
    NothingToReveal: 422,
    WrongValue: 422,
    WrongState: 409,
    LooksLikeAccountNumber: 422,
    LooksSensitive: 422,
    GuestLinkInvalid: 403,
    TooManyGuestLinks: 409,
    AnswersMissing: 409,
    UnknownCatalogue: 422,
    InvalidAnswers: 422,
    UnknownPart: 422,
    UnknownQuestion: 422,
    UnknownPool: 422,
    UnknownRow: 422,
    UnknownNeighbour: 422,
    NoRunningProcess: 409,
    UnknownQuestionSet: 422,
    QuestionSetIsAskedFor: 409,
    UnknownProduct: 422,
    PoolIsFull: 422,
    ReadOnlyAnswer: 422,
}


def status_of(error: BatchError) -> int:
    """Return the HTTP status of ``error``: that of its class, else of the nearest class above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
