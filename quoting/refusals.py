"""The refusals of quoting: one class per reason."""

from __future__ import annotations

from batch.errors import BatchError, NotFound


class UnknownQuoteRequest(NotFound):
    """The copy has no such quote request."""

    sentence = "There is no quote request with this id."


class UnknownSubjectivity(NotFound):
    """The quote request has no such subjectivity."""

    sentence = "The quote request has no subjectivity with this id."


class CannotBeQuoted(BatchError):
    """Nothing of this copy can be requested from carriers; ``code`` is the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code  # type: ignore[misc]  # the code of the reason, not of the class


class NoManualEntry(BatchError):
    """The carrier's own system sends its quotes, so nobody enters them here."""

    code = "no_manual_entry"
    sentence = "This carrier sends its quotes itself. Only quotes of carriers that decide by hand can be entered."


class NoPortal(BatchError):
    """The carrier has no pages of its own to go on at."""

    code = "no_portal"
    sentence = "There is no address of this carrier's own pages. Ask staff to add it to the carrier's link settings."
