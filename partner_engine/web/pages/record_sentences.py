"""Sentences for changes outside of the answers: fields of copy and form, attached records, question sets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from copies.changes import Change
from copies.paths import BYPASSED, Path
from presentation.product_names import product_name
from rules.definition.model import CompiledCatalogue

#: The names of attached records. Eligibility results are the effect of a version, and shown as that.
_RECORDS: Final[Mapping[str, str]] = {
    "quote_requests": "Quote request",
    "bindings": "Binding",
    "messages": "Message",
    "events": "Event",
    "processes": "Process",
    "dispositions": "Disposition",
    "payment_methods": "Payment method",
    "naics_searches": "Industry searched for",
    "guest_links": "Guest link",
}
_LEFT_OUT: Final = frozenset({"copy/lock_reason", "copy/locked_by_id", "copy/locked_by_label"})


def sentence_of(change: Change, catalogue: CompiledCatalogue, *, requested: Mapping[str, str]) -> str:
    """Return a sentence for a ``change`` that is not one of an answer or row, "" for one without any; ``requested`` are
    the products of quote requests by id.
    """
    path = Path(change.path)
    if path.is_question_set:
        return _question_set(change, catalogue)
    if path.is_attached:
        product = requested.get(path.code)
        return _record(path.kind, change, of=product_name(catalogue, product) if product else "")
    if path.field_owner:
        return "" if change.path in _LEFT_OUT else _field(change)
    return _product(change, catalogue)


def _question_set(change: Change, catalogue: CompiledCatalogue) -> str:
    known = catalogue.sets.get(Path(change.path).code)
    title = known.question_set.title if known else "A question set that is no longer asked"
    if change.before is None:
        return f"{title} added"
    return f"{title} removed" if change.after is None else f"{title} {change.after}"


def _product(change: Change, catalogue: CompiledCatalogue) -> str:
    name, is_set = product_name(catalogue, Path(change.path).code), change.after is not None
    if change.path.startswith(BYPASSED):
        return f"{name} {'is' if is_set else 'is no longer'} requested in spite of its outcome"
    return f"{name} {'excluded' if is_set else 'no longer excluded'}"


def _record(kind: str, change: Change, *, of: str) -> str:
    name = _RECORDS.get(kind)
    if name is None:
        return ""
    if of:
        name = f"Quote of {of}"
    before, after = _words(change.before), _words(change.after)
    if kind in ("messages", "payment_methods", "dispositions"):
        return f"{name} withdrawn: {before}" if change.after is None else f"{name}: {after}"
    return f"{name}: {after}" if change.before is None else f"{name}: {before}, now {after}"


def _words(value: object) -> str:
    return str(value or "").replace("_", " ")


def _field(change: Change) -> str:
    is_set = change.after is not None
    match change.path:
        case "copy/title":
            return f"Copy renamed to {change.after}" if change.after else "Copy has no name any longer"
        case "copy/owner_id":
            return "Owner changed" if is_set else "Owner removed"
        case "copy/locked_at":
            return "Copy locked" if is_set else "Copy unlocked"
        case "copy/deleted_at":
            return "Copy deleted" if is_set else "Copy restored"
        case "application_form/deleted_at":
            return "Form deleted" if is_set else "Form restored"
        case "application_form/base_copy_id":
            return "Base copy changed"
        case "application_form/reference":
            return f"Reference: {change.after}" if change.after else "Reference removed"
        case "application_form/external_id":
            return f"External ID: {change.after}" if change.after else "External ID removed"
        case "application_form/metadata":
            return "Metadata of a program changed" if is_set else "Metadata of a program removed"
    return ""
