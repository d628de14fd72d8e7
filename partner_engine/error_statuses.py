"""The HTTP status of every refusal of the batch and of operations, for API and pages alike. Pure."""

from __future__ import annotations

from typing import Final

from batch.binding_errors import REFUSALS, AnswersNeededToBind, CannotBind
from batch.errors import (
    BaseCopy,
    BatchError,
    CannotBeExported,
    CopiesAreOff,
    CopyIsDeleted,
    CopyIsHeld,
    CopyIsLocked,
    ExternalIdTaken,
    GuestLinkBlocked,
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
    NotATestForm,
    NotBindable,
    NotFound,
    NothingToConfirm,
    NothingToReveal,
    OutsideGuestLink,
    PhoneDigitsNeeded,
    PoolIsFull,
    ProposalChanged,
    QuestionSetIsAskedFor,
    ReadOnlyAnswer,
    StaleChangeset,
    TooManyGuestLinks,
    TwiceInChunk,
    UnknownCatalogue,
    UnknownPart,
    UnknownPool,
    UnknownProduct,
    UnknownPurpose,
    UnknownQuestion,
    UnknownQuestionSet,
    UnknownRecord,
    UnknownRow,
    UnknownVersion,
    VersionMismatch,
    WrongPhoneDigits,
    WrongState,
    WrongValue,
)
from batch.misuse import Misuse
from operations.errors import OperationError, OperationNotFound
from operations.imports.errors import FileTooLarge, ImportRefused, MappingNotFound, NotYourMapping, PackedTooDensely
from operations.kinds.copy_kind import CopyIsBound, OtherVersion
from operations.kinds.re_evaluate import OtherRelease, Undecidable
from operations.kinds.refusals import ItemTookTooLong
from operations.kinds.requote import NothingToQuote
from operations.submission.errors import InvalidOrder, NoValidItems, OperationsAreOff, TooManyItems
from quoting.refusals import CannotBeQuoted, NoManualEntry, NoPortal, UnknownQuoteRequest, UnknownSubjectivity
from scenarios.merge_errors import (
    CannotMerge,
    MergeRefused,
    NoMergeToUndo,
    OtherCatalogue,
    SameCopy,
    SourceMoved,
)

STATUS: Final[dict[type[BatchError], int]] = {
    Misuse: 500,
    BatchError: 500,
    NotFound: 404,
    UnknownVersion: 404,
    LockNotAcquired: 409,
    StaleChangeset: 409,
    VersionMismatch: 412,
    CopyIsLocked: 423,
    CopyIsDeleted: 409,
    CopyIsHeld: 409,
    LastCopy: 409,
    BaseCopy: 409,
    ExternalIdTaken: 409,
    CopiesAreOff: 403,
    NotATestForm: 403,
    TwiceInChunk: 409,
    IdempotencyConflict: 422,
    IdempotencyInFlight: 409,
    IdempotencyReplay: 409,
    CannotBind: 409,
    **dict.fromkeys(REFUSALS, 409),
    AnswersNeededToBind: 422,
    NoReason: 422,
    NothingToReveal: 422,
    CannotBeExported: 409,
    UnknownPurpose: 422,
    NothingToConfirm: 422,
    ProposalChanged: 409,
    WrongValue: 422,
    WrongState: 409,
    NotBindable: 409,
    LooksLikeAccountNumber: 422,
    LooksSensitive: 422,
    GuestLinkInvalid: 403,
    PhoneDigitsNeeded: 403,
    WrongPhoneDigits: 403,
    GuestLinkBlocked: 403,
    OutsideGuestLink: 403,
    TooManyGuestLinks: 409,
    UnknownCatalogue: 422,
    InvalidAnswers: 422,
    UnknownPart: 422,
    UnknownQuestion: 422,
    UnknownPool: 422,
    UnknownRow: 422,
    UnknownRecord: 422,
    NoRunningProcess: 409,
    UnknownQuestionSet: 422,
    QuestionSetIsAskedFor: 409,
    UnknownProduct: 422,
    PoolIsFull: 422,
    ReadOnlyAnswer: 422,
    CannotMerge: 422,
    SameCopy: 422,
    OtherCatalogue: 422,
    MergeRefused: 422,
    SourceMoved: 409,
    NoMergeToUndo: 409,
    CopyIsBound: 409,
    OtherVersion: 412,
    ItemTookTooLong: 503,
    OtherRelease: 409,
    Undecidable: 409,
    NothingToQuote: 409,
    CannotBeQuoted: 409,
    NoManualEntry: 409,
    NoPortal: 409,
    UnknownQuoteRequest: 404,
    UnknownSubjectivity: 404,
}

#: The refusals of orders to operations; all others are conflicts with the state of the operation.
OPERATION_STATUS: Final[dict[type[OperationError], int]] = {
    OperationError: 409,
    OperationNotFound: 404,
    OperationsAreOff: 403,
    InvalidOrder: 422,
    NoValidItems: 422,
    TooManyItems: 422,
    ImportRefused: 422,
    MappingNotFound: 404,
    NotYourMapping: 403,
    FileTooLarge: 413,
    PackedTooDensely: 413,
}

#: Codes after which the same request may succeed, and the seconds after which to repeat it.
RETRY_AFTER: Final = {
    "idempotency_key_in_flight": 1,
    "idempotency_replay": 1,
    "locked_by_another_save": 1,
    "person_busy": 5,
    "stale": 1,
    "unavailable": 2,
}


def status_of_operation_error(error: OperationError) -> int:
    """Return the HTTP status of ``error``: that of its class, else of the nearest class above it."""
    return next(OPERATION_STATUS[kind] for kind in type(error).__mro__ if kind in OPERATION_STATUS)


def status_of(error: BatchError) -> int:
    """Return the HTTP status of ``error``: that of its class, else of the nearest class above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
