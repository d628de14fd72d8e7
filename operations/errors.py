"""The errors of batch operations: one class per reason."""

from __future__ import annotations

from typing import Any, Final

#: Why an item of a plan is not carried out.
MOVED: Final = "The result would differ from the plan. Try again without saving to make a new plan."


class OperationError(Exception):
    """A request about a batch operation was refused; ``code`` is for programs, the sentence for people."""

    code = "operation_refused"


class OperationNotFound(OperationError):
    """The tenant has no such operation."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such operation.")


class OperationHasEnded(OperationError):
    """The operation has ended, so it cannot be paused, resumed or cancelled."""

    code = "operation_has_ended"

    def __init__(self) -> None:
        super().__init__("The operation has ended already. Start a new one, or retry its failed items.")


class OperationIsNotPaused(OperationError):
    """Only a paused operation is resumed."""

    code = "operation_is_not_paused"

    def __init__(self) -> None:
        super().__init__("The operation is not paused: it runs, waits or has ended. Load its page again to see it.")


class NothingToRetry(OperationError):
    """No failed item matches the request to retry."""

    code = "nothing_to_retry"

    def __init__(self, *, final: int = 0) -> None:
        remedy = f" {final} failed for a reason that does not change; retry them with force." if final else ""
        super().__init__(f"No failed item can be retried.{remedy}")
        self.final = final


class LeaseLost(OperationError):
    """Another worker has taken over the items, or their time limit has passed: what was done for them is undone."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__("The items were taken over meanwhile.")


class CreatorMayNot(OperationError):
    """The creator of the operation is gone, switched off, or has lost a right that it needs."""

    code = "creator_may_not"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OperationIsTooLarge(OperationError):
    """More items than a request may work on at once."""

    code = "operation_too_large"

    def __init__(self, total: int, most: int) -> None:
        super().__init__(f"The operation has {total:,} items; a request works on {most:,} at most.")
        self.extra: dict[str, Any] = {"total": total, "most": most}


class UnreadableOperation(OperationError):
    """What was submitted for the operation does not open any more."""

    code = "unreadable_operation"

    def __init__(self) -> None:
        super().__init__("What was submitted cannot be read any more. Submit a new operation.")
