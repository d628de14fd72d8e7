"""The fields of a carrier's reply that the traffic log stores: codes, states and amounts, never a text. Pure.

A carrier may quote a personal value in a reason or as the value that it changed, so those are left out.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import msgspec

from carriers.links.wire import AccessToken, Binding, Eligibility, Quote


@singledispatch
def logged_reply(value: object) -> dict[str, Any] | None:
    """Return what to log of a decoded reply, None for an unknown kind."""
    return None


@logged_reply.register
def _of_quote(quote: Quote) -> dict[str, Any]:
    return {
        "reference": quote.reference,
        "request_token": quote.request_token,
        "product": quote.product,
        "status": quote.status.value,
        "sequence": quote.sequence,
        "premium": msgspec.to_builtins(quote.premium),
        "is_bindable": quote.is_bindable,
        "valid_until": quote.valid_until.isoformat() if quote.valid_until else None,
        "changes": [change.field for change in quote.changes],
        "reasons": [reason.code for reason in quote.reasons],
        "subjectivities": [each.code for each in quote.subjectivities],
        "previous_reference": quote.previous_reference,
    }


@logged_reply.register
def _of_binding(binding: Binding) -> dict[str, Any]:
    return {
        "reference": binding.reference,
        "bind_token": binding.bind_token,
        "status": binding.status.value,
        "policy_number": binding.policy_number,
        "reasons": [reason.code for reason in binding.reasons],
    }


@logged_reply.register
def _of_eligibility(eligibility: Eligibility) -> dict[str, Any]:
    return {
        "status": eligibility.status.value,
        "reasons": [reason.code for reason in eligibility.reasons],
        "messages": len(eligibility.messages),
    }


@logged_reply.register
def _of_token(token: AccessToken) -> dict[str, Any]:
    return {"expires_in": token.expires_in}
