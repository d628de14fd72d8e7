"""The refusals of orders: one class per reason."""

from __future__ import annotations

from collections.abc import Sequence

from operations.errors import MOVED, OperationError
from operations.submission.order import Rejection
from presentation.faults import Fault


class OperationsAreOff(OperationError):
    """The feature is switched off for the actor."""

    code = "operations_are_off"

    def __init__(self) -> None:
        super().__init__("Operations over many forms are switched off for you. Ask your administrator.")


class InvalidOrder(OperationError):
    """The order itself is invalid; ``faults`` have their pointers."""

    code = "invalid_body"

    def __init__(self, faults: Sequence[Fault]) -> None:
        detail = f"The order is invalid: {faults[0].detail}" if len(faults) == 1 else "The order is invalid."
        super().__init__(detail)
        self.faults = list(faults)

    @classmethod
    def field(cls, pointer: str, detail: str, *, code: str = "invalid_value") -> InvalidOrder:
        """Return the refusal of the field at ``pointer``."""
        return cls([Fault(pointer=pointer, code=code, detail=detail)])


class NoValidItems(OperationError):
    """All items were refused; nothing was stored."""

    code = "no_valid_items"

    def __init__(self, rejections: Sequence[Rejection], *, total: int) -> None:
        sentences = {0: "There are no items.", 1: rejections[0].detail if rejections else ""}
        super().__init__(sentences.get(total, f"All {total:,} items are invalid; nothing was stored."))
        self.rejections = list(rejections)
        self.total = total

    @property
    def faults(self) -> list[Fault]:
        """Return the reasons with their pointers."""
        return [fault for rejection in self.rejections for fault in faults_of_rejection(rejection)]


class TooManyItems(OperationError):
    """More items than one operation may have."""

    code = "too_many_items"

    def __init__(self, most: int, *, pointer: str) -> None:
        remedy = "Narrow the query" if pointer == "/query" else "Send the others in another operation"
        super().__init__(f"One operation has at most {most:,} items. {remedy}.")
        self.faults = [Fault(pointer=pointer, code=self.code, detail=str(self))]


class TooManyOperations(OperationError):
    """The tenant has as many waiting and running operations as it may have."""

    code = "too_many_operations"

    def __init__(self, open_operations: int) -> None:
        super().__init__(
            f"Your agency has {open_operations} operations that wait or run already. Wait until one has ended, or "
            "cancel one."
        )


class OperationExists(OperationError):
    """An operation with the chosen id exists already: the order was sent twice."""

    code = "operation_exists"

    def __init__(self) -> None:
        super().__init__("This order was sent already. Load the page again to send another one.")


class NotAPlan(OperationError):
    """The named operation is no finished dry run, or not the one whose plan hash was sent."""

    code = "not_a_plan"


class PlanMoved(OperationError):
    """Copies of a plan were changed after it was made; nothing was stored."""

    code = "plan_moved"

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(MOVED)
        self.faults = [Fault(path=f"items/{number}", code=self.code, detail=MOVED) for number in numbers]


class NotUndoable(OperationError):
    """The operation cannot be undone; the sentence names the reason."""

    code = "not_undoable"


def faults_of_rejection(rejection: Rejection) -> list[Fault]:
    """Return the faults of ``rejection`` with pointers into the body."""
    if rejection.errors:
        return rejection.errors
    return [Fault(pointer=f"/items/{rejection.index}", code=rejection.code, detail=rejection.detail)]
