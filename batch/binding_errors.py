"""The reasons for which a quote is not bound, one class each; the sentence names the remedy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar, Final

from batch.errors import AnswerFault, BatchError, InvalidAnswers


class CannotBind(BatchError):
    """The quote cannot be bound as it is. ``remedy`` is the code of what helps: "ask_again", "answer", "consent",
    "wait", "choose_newest", "unlock", "help" or "" for nothing.
    """

    code = "cannot_bind"
    sentence = "This quote cannot be bound."
    remedy: ClassVar[str] = ""


class QuoteIsStale(CannotBind):
    """The application has changed since the carrier quoted."""

    code = "quote_stale"
    remedy = "ask_again"

    def __init__(self, reason: str = "") -> None:
        why = reason.rstrip(".") or "the application has changed since the carrier quoted"
        super().__init__(f"This quote is out of date: {why[:1].lower()}{why[1:]}. Ask the carrier again.")


class QuoteHasExpired(CannotBind):
    """The last day of the quote has passed."""

    code = "quote_expired"
    sentence = "This quote is no longer valid. Ask the carrier again."
    remedy = "ask_again"

    def __init__(self, valid_until: date | None = None) -> None:
        if valid_until is None:
            super().__init__()
            return
        last = f"{valid_until:%B} {valid_until.day}, {valid_until.year}"
        super().__init__(f"This quote was valid until {last}. Ask the carrier again.")


class QuoteIsIndication(CannotBind):
    """The premium is an indication or an estimate."""

    code = "quote_not_bindable"
    sentence = (
        "This is an indication: the carrier has not offered to bind it. Ask the carrier again for a firm quote, or ask "
        "for help."
    )
    remedy = "ask_again"


class NoQuoteToBind(CannotBind):
    """The request has no quote: it is a draft, on its way, declined or withdrawn."""

    code = "no_quote"

    def __init__(self, state: str) -> None:
        super().__init__(f"There is no quote to bind: the request is {state}. Choose a quote that the carrier offers.")


class QuoteIsReplaced(CannotBind):
    """A newer request for the same product exists."""

    code = "quote_replaced"
    sentence = "A newer quote for this product exists. Bind the newest one."
    remedy = "choose_newest"


class LineIsBound(CannotBind):
    """Another quote of the same line is bound."""

    code = "line_bound"

    def __init__(self, line: str, policy_number: str = "") -> None:
        policy = f" as policy {policy_number}" if policy_number else ""
        super().__init__(f"{line} is already bound{policy}. A line is bound once per application.")


class BindingUnderWay(CannotBind):
    """The carrier has been asked to bind, and has not decided."""

    code = "binding_under_way"
    sentence = (
        "The carrier is binding a quote of this application. Nothing can be changed until it has decided. Wait for the "
        "result."
    )
    remedy = "wait"

    def __init__(self, *, sibling: str = "") -> None:
        """Name the copy whose quote is bound where it is another one of the form (``sibling``)."""
        super().__init__(
            f"The carrier is binding a quote of {sibling}. The form cannot be deleted until it has decided. Wait for "
            "the result."
            if sibling
            else ""
        )


class AnswersNeededToBind(InvalidAnswers, CannotBind):
    """Answers are missing or wrong that this product needs before it is bound."""

    code = "answers_needed"
    summary = "Some answers are needed before this quote is bound."
    remedy = "answer"

    def __init__(self, paths: Sequence[tuple[str, str]]) -> None:
        """Name the ``paths`` with their labels."""
        super().__init__([AnswerFault(path, "needed", f"{label} is needed to bind.") for path, label in paths])
        named = "; ".join(label for _, label in paths[:3])
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        self.args = (f"These answers are needed before the quote is bound: {named}{more}.",)


class SubjectivityIsOpen(CannotBind):
    """The carrier requires something before it binds."""

    code = "subjectivity_open"
    remedy = "answer"

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(f"The carrier requires this first: {'; '.join(texts)}. Mark it as done when it is.")


class NotLicensed(CannotBind):
    """The agency has no producer license in a state concerned."""

    code = "not_licensed"
    sentence = "The agency has no producer license for this state. Ask for help."
    remedy = "help"


class NotAppointed(CannotBind):
    """The carrier has not appointed the agency."""

    code = "not_appointed"
    sentence = "The carrier has not appointed the agency. Ask for help."
    remedy = "help"


class ConsentIsMissing(CannotBind):
    """Nobody has consented to the present terms."""

    code = "consent_missing"
    sentence = "The consent of the insured is missing. Read the wording to the insured, and record who agrees."
    remedy = "consent"


class ConsentIsVoid(CannotBind):
    """The terms have changed since the insured consented."""

    code = "consent_void"
    remedy = "consent"

    def __init__(self, reason: str) -> None:
        why = reason.rstrip(".")
        super().__init__(f"The consent is void: {why[:1].lower()}{why[1:]}. Ask the insured to agree again.")


class WordingHasChanged(CannotBind):
    """The consent names another wording than the present one."""

    code = "wording_changed"
    sentence = "The terms have changed since they were shown. Read the new wording, and record the consent to it."
    remedy = "consent"


class DisclosuresAreOpen(CannotBind):
    """The disclosures that the law requires were not acknowledged."""

    code = "disclosures_open"
    sentence = "The disclosures must be acknowledged with the consent."
    remedy = "consent"


#: Every reason but missing answers, which are errors at their paths.
REFUSALS: Final[tuple[type[CannotBind], ...]] = (
    QuoteIsStale,
    QuoteHasExpired,
    QuoteIsIndication,
    NoQuoteToBind,
    QuoteIsReplaced,
    LineIsBound,
    BindingUnderWay,
    SubjectivityIsOpen,
    NotLicensed,
    NotAppointed,
    ConsentIsMissing,
    ConsentIsVoid,
    WordingHasChanged,
    DisclosuresAreOpen,
)
