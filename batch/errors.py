"""The refusals of work on a form: one class per reason, whose sentence names the remedy.

``code`` is the stable name of the reason. ``partner_engine.error_statuses`` maps the classes to HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from redis_locks.lock_holder import Holder


class BatchError(Exception):
    """Work on a form was refused; nothing was written."""

    code: ClassVar[str] = "batch_error"
    sentence: ClassVar[str] = "The work on this form was refused."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.sentence)


class NotFound(BatchError):
    """No such form or copy at this tenant."""

    code = "not_found"
    sentence = "There is no application form or copy with this id."


class UnknownVersion(NotFound):
    """The copy has no version with this number, or none yet at this moment."""

    code = "no_such_version"
    sentence = "The copy has no such version."


class LockNotAcquired(BatchError):
    """Somebody else holds the copy's lock."""

    code = "locked_by_another_save"
    sentence = "Another save is using this copy. Try again in a moment."

    def __init__(self, *, holder: Holder | None = None) -> None:
        self.holder = holder
        super().__init__(_held_by(holder) if holder else "")


class StaleChangeset(BatchError):
    """The copy was changed by another save after it was loaded here."""

    code = "stale"
    sentence = "Another save has changed this copy. Load it again and repeat your change."


class VersionMismatch(BatchError):
    """The caller's version (If-Match) is not the copy's."""

    code = "version_mismatch"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"The copy is at version {actual}, not {expected}. Read it again and repeat your change.")
        self.actual = actual


class CopyIsLocked(BatchError):
    """The copy was locked by a person."""

    code = "copy_locked"
    sentence = "This copy is locked. Unlock it first."

    def __init__(self, *, by: str = "", since: datetime | None = None, reason: str = "", sibling: str = "") -> None:
        """Name who locked it (``by``), when and for what ``reason``, as far as that is known; ``sibling`` names the
        locked copy where it is another one of the form.
        """
        super().__init__(_locked_by(by, since, reason, sibling or "this copy") if since else "")
        self.by = by
        self.since = since
        self.reason = reason


class CopyIsDeleted(BatchError):
    """The copy is deleted."""

    code = "copy_deleted"
    sentence = "This copy is deleted. Restore it first."


class CopyIsHeld(BatchError):
    """A process works on the copy; until it is done the copy is not cloned."""

    code = "copy_held"

    def __init__(self, *, kind: str, until: datetime) -> None:
        super().__init__(
            f"The process {kind!r} is working on this copy. Clone it when the process is done, or after "
            f"{until:%H:%M:%S} UTC."
        )
        self.until = until


class NothingToConfirm(BatchError):
    """The answer has no such warning."""

    code = "nothing_to_confirm"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no such warning at {path!r}. Read the messages of the copy again.")
        self.path = path


class ProposalChanged(BatchError):
    """Somebody has answered the question, or proposed another value, since the caller read the proposal."""

    code = "proposal_changed"

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(
            f"{len(self.paths)} of the proposals are no longer as they were read; nothing was changed. Read them again."
        )


class LastCopy(BatchError):
    """A form keeps at least one copy."""

    code = "last_copy"
    sentence = "A form must have at least one copy. Create another one first."


class CopiesAreOff(BatchError):
    """The flag ``copies`` is off for the actor."""

    code = "copies_off"
    sentence = "New copies are not switched on for you. Existing copies go on working. Ask your administrator."


class NotATestForm(BatchError):
    """A sandbox client changes a form that is no test form."""

    code = "not_a_test_form"
    sentence = "A sandbox client changes only test forms, which it starts. Use another API client for this form."


class ExternalIdTaken(BatchError):
    """Another form of the tenant has the external id."""

    code = "external_id_taken"

    def __init__(self, form_id: UUID) -> None:
        super().__init__(
            f"The application form {form_id} has this external_id, which can be deleted too. Use that form, or another "
            "external_id."
        )
        self.form_id = form_id


class BaseCopy(BatchError):
    """The copy is the base of its form."""

    code = "base_copy"
    sentence = "The other copies of this form are compared with this one. Make another copy the base first."


class TwiceInChunk(BatchError):
    """Two ids of a chunk mean the same copy."""

    code = "twice_in_chunk"
    sentence = "This copy is already in the chunk under another id. Name each copy once."


class IdempotencyConflict(BatchError):
    """The key was used before with another request."""

    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used with another request. Use a new key for a new request."


class IdempotencyInFlight(BatchError):
    """Another request with this key is under way."""

    code = "idempotency_key_in_flight"
    sentence = "A request with this Idempotency-Key is still being processed. Try again in a moment."


class IdempotencyReplay(BatchError):
    """Another request with this key finished first; its response is stored."""

    code = "idempotency_replay"
    sentence = "A request with this Idempotency-Key has just finished. Send the same request again to get its response."


class NoReason(BatchError):
    """A sensitive answer is revealed or erased only with a reason of 10 to 500 characters and two words."""

    code = "reason_required"
    sentence = "Give a reason of 10 to 500 characters, in at least two words. It is recorded with your name."


class UnknownPurpose(BatchError):
    """A sensitive answer is revealed only for a purpose from the list."""

    code = "unknown_purpose"
    sentence = "Choose a purpose from the list."


class NothingToReveal(BatchError):
    """There is no sealed answer at the path."""

    code = "nothing_to_reveal"
    sentence = "There is no sensitive answer at this path."


class CannotBeExported(BatchError):
    """The version holds, or held, values in plain text whose questions are secret by now."""

    code = "decision_not_exportable"
    sentence = (
        "This version was saved with values whose questions are secret by now, so its decision is not exported. "
        "Export a later version."
    )


class WrongValue(BatchError):
    """A value of an attached record is invalid."""

    code = "wrong_value"

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"The value of {field!r} is not valid: {remedy}.")
        self.field = field


class WrongState(BatchError):
    """The requested state of an attached record may not follow its present state."""

    code = "wrong_state"

    def __init__(self, path: str, *, now: str, wanted: str, possible: Collection[str]) -> None:
        may = f"it can become {', '.join(sorted(possible))}" if possible else "this state is final"
        super().__init__(f"{path} is {now} and cannot become {wanted}; {may}.")


class NotBindable(BatchError):
    """A quote that cannot be bound was to be selected."""

    code = "not_bindable"
    sentence = "This quote is an indication, which cannot be bound."


class LooksLikeAccountNumber(BatchError):
    """A payment method contains a number that looks like a card's or an account's."""

    code = "account_number_refused"
    sentence = (
        "This looks like a card or account number. Send the payment provider's token and the last four digits instead."
    )


class LooksSensitive(BatchError):
    """A text without protection contains a number that looks like a personal one."""

    code = "sensitive_text_refused"

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The {field} contains what looks like a Social Security, tax ID, or card number. Remove the number, "
            f"because the {field} is stored and sent unencrypted."
        )
        self.field = field


class GuestLinkInvalid(BatchError):
    """A guest link is wrong, expired, revoked or already used; the error does not reveal which."""

    code = "guest_link_spent"
    sentence = "This link is no longer valid. Ask your agent for a new one."


class PhoneDigitsNeeded(BatchError):
    """The guest link asks for the last four digits of the guest's phone."""

    code = "phone_digits_needed"
    sentence = "Enter the last four digits of your phone number. Your agent has it on file."


class WrongPhoneDigits(BatchError):
    """The digits are not those that the agent gave with the link. The link remains usable."""

    code = "wrong_phone_digits"

    def __init__(self, left: int) -> None:
        super().__init__(
            "These are not the last four digits of the phone number that your agent has on file. "
            f"You can try {'once more' if left == 1 else f'{left} more times'}."
        )


class GuestLinkBlocked(BatchError):
    """Too many wrong digits were entered for the guest link."""

    code = "guest_link_blocked"
    sentence = "Wrong digits were entered too many times. Ask your agent for a new link."


class OutsideGuestLink(BatchError):
    """The guest's link does not name this part of the copy."""

    code = "outside_guest_link"
    sentence = "Your agent did not ask you about this."


class TooManyGuestLinks(BatchError):
    """The copy has the maximum number of guest links."""

    code = "too_many_guest_links"

    def __init__(self, most: int) -> None:
        super().__init__(f"This copy has {most} guest links, which is the maximum. End one first.")


class UnknownCatalogue(BatchError):
    """No published catalogue of this code."""

    code = "unknown_catalogue"

    def __init__(self, catalogue: str) -> None:
        super().__init__(f"The catalogue {catalogue!r} has no published release. Publish it, or name another one.")


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """The fault of one submitted value, with its place in the document (``path``) and in the request (``pointer``).

    Where only certain values are valid, ``allowed`` are those and ``did_you_mean`` is the most similar one or "".
    """

    path: str
    code: str
    text: str
    pointer: str = ""
    did_you_mean: str = ""
    allowed: tuple[str, ...] = ()


class InvalidAnswers(BatchError):
    """Submitted answers or rows are invalid; nothing was changed. ``more`` faults are counted beside those listed."""

    code = "invalid_answers"
    #: A sentence about all faults together, where they are no values that the caller submitted.
    summary = ""

    def __init__(self, faults: Sequence[AnswerFault], *, more: int = 0) -> None:
        self.faults = tuple(faults)
        self.more = more
        some = "; ".join(f"{fault.path}: {fault.text}" for fault in self.faults[:3])
        super().__init__(f"{len(self.faults) + more} of the submitted answers are not valid: {some}")


class UnknownPart(BatchError):
    """The catalogue or the document has no such part."""


class UnknownQuestion(UnknownPart):
    """No question of this code at this place."""

    code = "unknown_question"

    def __init__(self, path: str, hint: str = "") -> None:
        super().__init__(f"There is no question at {path!r}{hint}. See the catalogue for valid codes.")


class UnknownPool(UnknownPart):
    """No pool of this code at this place."""

    code = "unknown_pool"

    def __init__(self, path: str, hint: str = "") -> None:
        super().__init__(f"There is no pool at {path!r}{hint}. See the catalogue for valid pools.")


class UnknownRow(UnknownPart):
    """No row with this id in the pool."""

    code = "unknown_row"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no row at {path!r}. Leave the id out to add a row.")


class UnknownRecord(UnknownPart):
    """The copy has no such attached record (message, quote request, process, ...) in force."""

    code = "unknown_record"

    def __init__(self, kind: str, identity: object) -> None:
        super().__init__(f"There is no row with the id {str(identity)!r} in the {kind.replace('_', ' ')} of this copy.")


class NoRunningProcess(UnknownPart):
    """The copy has no such running process, or another worker holds it."""

    code = "no_running_process"

    def __init__(self, identity: object) -> None:
        super().__init__(
            f"Process {str(identity)!r} is not running on this copy, or a worker has already taken it. Save it as "
            "running first, or wait until its hold ends."
        )


class UnknownQuestionSet(UnknownPart):
    """The catalogue has no such question set, or it is not on the document."""

    code = "unknown_question_set"

    def __init__(self, code: str) -> None:
        super().__init__(f"This copy has no question set {code!r}.")


class QuestionSetIsAskedFor(BatchError):
    """A question set that the rules require cannot be removed."""

    code = "question_set_asked_for"

    def __init__(self, code: str) -> None:
        super().__init__(
            f"The rules require the question set {code!r}. It is removed when they no longer require it. The "
            f"explanation of 'set:{code}' names the answers that decide it."
        )


class UnknownProduct(UnknownPart):
    """The catalogue has no such product."""

    code = "unknown_product"

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no product {code!r} in this catalogue.")


class PoolIsFull(UnknownPart):
    """The pool has the maximum number of rows."""

    code = "pool_full"

    def __init__(self, path: str, most: int) -> None:
        super().__init__(f"{path!r} already has {most} rows, which is the maximum.")


class ReadOnlyAnswer(BatchError):
    """The answer is read-only for people."""

    code = "readonly_answer"

    def __init__(self, path: str) -> None:
        super().__init__(f"The answer at {path!r} is read-only.")


def _held_by(holder: Holder) -> str:
    since = f" since {holder.since:%H:%M:%S} UTC" if holder.since else ""
    return f"{holder.name} has been saving this copy{since} ({holder.entry_point}). Try again in a moment."


def _locked_by(by: str, since: datetime, reason: str, copy: str) -> str:
    who = f"{by} locked {copy}" if by else f"{copy[:1].upper()}{copy[1:]} was locked"
    why = f" ({reason.rstrip('.')})" if reason else ""
    return f"{who} on {since:%Y-%m-%d} at {since:%H:%M} UTC{why}. Unlock it first."
