"""The wording of the consent with which a quote is bound, and its hash. Pure.

The hash is that of exactly the text that is shown, so consent given to one wording is no consent to another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Final

from presentation.formats import money

#: The closing paragraph of every consent.
TRUE_ANSWERS: Final = (
    "The answers in this application are true and complete. The carrier relies on them. No cover is in force before "
    "the carrier confirms it with a policy number."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedTerm:
    """A term that the carrier changed by itself, with both values as text."""

    label: str
    asked: str
    offered: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentTerms:
    """The terms of one quote as a person consents to them.

    ``reference`` is the carrier's id of the quote, ``premium`` is in whole units of ``currency`` a year,
    ``payment_plan`` is a label, "" where the catalogue asks for none. ``disclosures`` are the texts that the law of the
    state requires.
    """

    insured: str
    carrier: str
    product: str
    reference: str
    premium: int
    currency: str
    effective_on: date | None = None
    payment_plan: str = ""
    changes: tuple[ChangedTerm, ...] = ()
    disclosures: tuple[str, ...] = ()


def consent_wording(terms: ConsentTerms) -> str:
    """Return the paragraphs of the consent to ``terms``, divided by empty lines."""
    premium = money(terms.premium, terms.currency)
    day = terms.effective_on
    begins = f"The cover begins on {day:%B} {day.day}, {day.year}. " if day else ""
    plan = f" Payment plan: {terms.payment_plan}." if terms.payment_plan else ""
    product = f"{terms.product} insurance" if terms.product else "the insurance"
    paragraphs = [
        f"{terms.insured} asks {terms.carrier} to bind {product} as offered in quote {terms.reference}.",
        f"{begins}The premium is {premium} a year.{plan}",
    ]
    if terms.changes:
        changed = "; ".join(f"{term.label}: {term.offered} instead of {term.asked}" for term in terms.changes)
        paragraphs.append(f"The carrier offers other terms than requested: {changed}.")
    return "\n\n".join([*paragraphs, *terms.disclosures, TRUE_ANSWERS])


def wording_hash(wording: str) -> str:
    """Return the SHA-256 of ``wording`` in UTF-8, as hexadecimal text."""
    return hashlib.sha256(wording.encode()).hexdigest()
