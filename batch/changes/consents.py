"""Keeps consents true: a consent ends in the save that changes its terms, and no stale quote is requested to be bound.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from batch.binding_errors import BindingUnderWay, NoQuoteToBind, QuoteHasExpired, QuoteIsStale
from batch.changes.changeset import Changeset
from batch.changes.consent_terms import terms_of
from batch.changes.mutators.bindings import UNDER_WAY, BindingMutator
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.changes.records import PEOPLE, Loaded
from presentation.consent_wording import consent_wording, wording_hash
from rules.flow.evaluation import Evaluation

#: The states of a request whose quote can be bound.
OFFERED: Final = frozenset({"quoted", "selected"})
_CHANGED: Final = "The terms have changed"


def refuse_while_binding(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse changes by people to the answers, to the deletion of the copy or form and to the quote while a carrier
    binds it: what it binds is what was agreed. Raises ``BindingUnderWay``.
    """
    before = {row.quote_request_id for row in loaded.attached.get("bindings", ()) if row.state in UNDER_WAY}  # type: ignore[attr-defined]
    if not before or changeset.tracker.by.type not in PEOPLE:
        return
    is_deleted = changeset.copy_fields.deleted_at is not None and loaded.copy.fields.deleted_at is None
    is_archived = changeset.form_fields.deleted_at is not None and loaded.form.deleted_at is None
    if is_deleted or is_archived or _submits_answers(changeset) or _changes_quote(changeset, loaded, before):
        raise BindingUnderWay


def keep_consents(changeset: Changeset, evaluation: Evaluation | None) -> None:
    """End the consents whose terms differ from the present ones; call it after the rules, which returned
    ``evaluation``, and after the staleness of quotes. ``evaluation`` is None where the copy keeps its decision.

    Raises ``QuoteIsStale``, ``QuoteHasExpired`` or ``NoQuoteToBind`` where this save requests to bind a quote that is
    none any longer.
    """
    requests = {request.row.id: request.row for request in changeset.quote_requests}
    for binding in changeset.bindings:
        request = requests.get(binding.row.quote_request_id)
        if _is_requested_now(changeset, binding):
            _require_quote(request)
        elif binding.row.consent and (reason := _void_reason(changeset, binding, request, evaluation)):
            binding.void_consent(reason)


def _submits_answers(changeset: Changeset) -> bool:
    touched = set(changeset.tracker.touched_paths)
    return not touched.isdisjoint(changeset.tracker.submitted_paths)


def _changes_quote(changeset: Changeset, loaded: Loaded, quotes: Collection[object]) -> bool:
    stored = {row.id: row for row in loaded.attached.get("quote_requests", ())}
    return any(
        request.row != stored.get(request.row.id) for request in changeset.quote_requests if request.row.id in quotes
    )


def _is_requested_now(changeset: Changeset, binding: BindingMutator) -> bool:
    row = binding.row
    stored = {old.id: old for old in changeset.tracker.loaded.attached.get("bindings", ())}
    before = stored.get(row.id)
    return row.state == "requested" and (before is None or before.bind_token != row.bind_token)  # type: ignore[attr-defined]


def _require_quote(request: QuoteRequestRow | None) -> None:
    if request is None:
        raise NoQuoteToBind("gone")
    if request.state == "stale":
        raise QuoteIsStale(request.reason)
    if request.state == "expired":
        raise QuoteHasExpired(request.valid_until)
    if request.state not in OFFERED:
        raise NoQuoteToBind(request.state)


def _void_reason(
    changeset: Changeset, binding: BindingMutator, request: QuoteRequestRow | None, evaluation: Evaluation | None
) -> str:
    """Return why the consent of ``binding`` is none to the present terms, "" if it is."""
    if request is None:
        return "The quote is gone"
    if request.state not in OFFERED:
        return f"The quote is {request.state}" + (f": {request.reason}" if request.reason else "")
    if evaluation is None:
        return ""
    terms = terms_of(changeset.catalogue, changeset.document, request, evaluation=evaluation)
    is_same = terms is not None and wording_hash(consent_wording(terms)) == binding.row.consent["wording_hash"]
    return "" if is_same else _CHANGED
