"""The problems of the API by status and code, with the sentence of an example: for the description of the API. Pure.

The table of codes in docs/api.md lists the same ones; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from partner_engine.problems import ExistingShape, Fault, HolderShape, LockShape, Problem, title_of

_INSTANCE: Final = "/api/v1/me"
_CORRELATION_ID: Final = "nightly-42"
_SINCE: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)

#: What each status means for every operation.
STATUS_TEXTS: Final[Mapping[int, str]] = {
    400: "The query, a header or the JSON is malformed; `errors` lists each fault.",
    401: "The request has no credentials, or they are no longer valid.",
    403: "The caller lacks the required right, which `detail` names.",
    404: "The caller's tenant has no object with this id.",
    405: "The address does not have this method; `Allow` lists the others.",
    406: "Responses are available as JSON only.",
    409: "The state of the object prevents the change. With `Retry-After` the same request may succeed later.",
    412: "`If-Match` does not name the current version; nothing was changed.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The body is not JSON, or encoded.",
    422: "The body has an invalid shape or invalid values; `errors` lists each with its pointer. Nothing was changed.",
    423: "A person locked the copy; `lock` states who, since when and why.",
    428: "The request requires `If-Match`.",
    429: "Too many requests; `Retry-After` states when to try again.",
    500: "An internal error; give the `correlation_id` to support.",
    503: "A required service is unavailable; try again after `Retry-After` seconds.",
}

#: Status -> code -> the sentence of its example.
CODES: Final[Mapping[int, Mapping[str, str]]] = {
    400: {
        "invalid_query": "The query is invalid: There is no parameter 'stat' here.",
        "invalid_cursor": "The cursor does not belong to this list.",
        "malformed_header": 'If-Match is malformed: write it as "7".',
        "idempotency_not_supported": "This response is never stored; send the request without Idempotency-Key.",
        "malformed_json": "The body is not valid JSON.",
        "invalid_utf8": "The body is not UTF-8.",
        "duplicate_key": "The name 'answers' occurs twice in one object.",
        "not_finite": "Numbers must be finite.",
        "number_too_large": "A number is too large.",
        "too_deep": "The JSON has more than 32 levels.",
        "nul_character": "A text contains the character NUL.",
        "lone_surrogate": "A text contains half of a surrogate pair.",
    },
    401: {
        "not_authenticated": "Sign in, or send a token from /o/token/ as `Authorization: Bearer`.",
        "authentication_failed": "The token is not valid or has expired. Get a new one from /o/token/.",
    },
    403: {
        "missing_right": "This requires the right forms:write.",
        "permission_denied": "You are not allowed to do this.",
        "viewing_as": "You view the product as somebody else, so nothing can be changed. End the view first.",
        "guest_link_spent": "This link is no longer valid. Ask your agent for a new one.",
        "operations_are_off": "Operations over many forms are not switched on for you. Ask your administrator.",
        "not_a_test_form": "A sandbox client changes only test forms, which it starts. Use another API client for this "
        "form.",
        "copies_off": "New copies are not switched on for you. Existing copies go on working. Ask your administrator.",
    },
    404: {
        "not_found": "There is no application form or copy with this id.",
        "no_such_version": "The copy has no such version.",
    },
    405: {"method_not_allowed": "This address does not have this method; the header Allow lists the others."},
    406: {"not_acceptable": "Responses are application/json; accept that in the header Accept."},
    409: {
        "stale": "Another save has changed this copy. Load it again and repeat your change.",
        "locked_by_another_save": "Another save is using this copy. Try again in a moment.",
        "idempotency_key_in_flight": "A request with this Idempotency-Key is still being processed. Try again in a "
        "moment.",
        "idempotency_replay": "A request with this Idempotency-Key has just finished. Send the same request again to "
        "get its response.",
        "external_id_taken": "The application form 01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10 has this external_id, which "
        "can be deleted too. Use that form, or another external_id.",
        "proposal_changed": "1 of the proposals are no longer as they were read; nothing was changed. Read them again.",
        "copy_deleted": "This copy is deleted. Restore it first.",
        "last_copy": "A form must have at least one copy. Create another one first.",
        "base_copy": "The other copies of this form are compared with this one. Make another copy the base first.",
        "question_set_asked_for": "The rules require the question set 'qs_wc'. It is removed when they no longer "
        "require it.",
        "unreadable_answer": "A sensitive answer cannot be read: its key was erased, or it was altered.",
        "too_many_guest_links": "This copy has 50 guest links, which is the maximum. End one first.",
        "too_many_endpoints": "There are 20 webhook endpoints, which is the maximum. Remove one first.",
        "endpoint_is_disabled": "This endpoint is disabled. Enable it first.",
        "too_many_operations": "20 operations wait or run, which is the maximum. Wait until one has ended.",
        "operation_has_ended": "This operation has ended.",
        "operation_is_not_paused": "This operation is not paused.",
        "nothing_to_retry": "No item of this operation has failed.",
        "not_undoable": "Operations of this kind cannot be undone.",
        "not_a_plan": "The operation is not a dry run that has ended.",
        "plan_moved": "Something has changed since the plan was made. Make a new one.",
        "person_busy": "Another erasure of this person is under way. Try again in a moment.",
        "quote_stale": "The answers have changed since this quote. Ask the carrier again.",
        "quote_expired": "This quote has expired. Ask the carrier again.",
        "quote_not_bindable": "This quote cannot be bound.",
        "quote_replaced": "There is a newer quote of this product.",
        "no_quote": "The carrier has not quoted yet.",
        "line_bound": "Another quote of this line is bound.",
        "binding_under_way": "The carrier is binding a quote of this copy.",
        "consent_missing": "Record the consent to the present wording first.",
        "consent_void": "The consent is void, because what it was given to has changed.",
        "wording_changed": "The wording has changed. Show the present one.",
        "disclosures_open": "Show the required disclosures first.",
        "subjectivity_open": "A condition of the quote is not met.",
        "not_licensed": "Your agency has no license for this line in this state.",
        "not_appointed": "The carrier has not appointed your agency.",
        "source_moved": "The other copy has changed. Plan the merge again.",
        "no_merge_to_undo": "There is no such merge, or it was undone.",
    },
    412: {"version_mismatch": "The copy is at version 8, not 7. Read it again and repeat your change."},
    413: {"body_too_large": "The body is larger than 1048576 bytes; send less at a time."},
    414: {"address_too_long": "The address with its query is longer than 60000 bytes."},
    415: {
        "unsupported_media_type": "Send the body as application/json.",
        "unsupported_content_encoding": "Send the body without Content-Encoding.",
    },
    422: {
        "invalid_answers": "A value is invalid: There is no question of this code; see the catalogue.",
        "invalid_body": "The body is invalid: There is no field 'titel' here.",
        "idempotency_key_reused": "This Idempotency-Key was used with another request. Use a new key for a new "
        "request.",
        "unknown_question": "There is no question at 'mqs_nothing'. See the catalogue for valid codes.",
        "unknown_pool": "There is no pool at 'location'. See the catalogue for valid pools.",
        "unknown_row": "There is no row at 'locations/01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10'. Leave the id out to add "
        "a row.",
        "unknown_question_set": "This copy has no question set 'qs_cybr'.",
        "unknown_target": "There is nothing to explain at 'product:QM-BOPP'.",
        "unknown_catalogue": "The catalogue 'bopp' has no published release. Publish it, or name another one.",
        "wrong_value": "The value of 'title' is not valid: leave out control characters.",
        "sensitive_text_refused": "The title contains what looks like a Social Security, tax ID, or card number.",
        "merge_refused": "2 picks are not valid; nothing was changed.",
        "same_copy": "This is the same copy. Merge another one.",
        "other_catalogue": "The copies follow different catalogues.",
        "reason_required": "Give a reason of 10 to 500 characters, in at least two words. It is recorded with your "
        "name.",
        "unknown_purpose": "Choose a purpose from the list.",
        "nothing_to_reveal": "There is no sensitive answer at this path.",
        "refused_address": "Webhooks are sent to public https addresses only.",
        "unknown_event_type": "There is no event type 'form.create'.",
        "answers_needed": "These answers are needed before the quote is bound: Federal tax ID (FEIN).",
        "no_valid_items": "No item is valid; nothing was started.",
        "too_many_items": "An operation has at most 100000 items.",
        "above_rate_limit": "This is more than the limit of 10000 allows at once; send fewer.",
    },
    423: {"copy_locked": "Robin Agent locked this copy on 2026-06-01 at 12:00 UTC (bound). Unlock it first."},
    428: {"precondition_required": "Send If-Match with the version that the picks are based on."},
    429: {"rate_limited": "Too many requests. Try again in 12 seconds."},
    500: {"internal_error": "Something went wrong on our side. Give the correlation ID to support."},
    503: {"unavailable": "A required service is unavailable; try again in a moment."},
}

_FAULTS: Final[Mapping[str, list[Fault]]] = {
    "invalid_query": [
        Fault(
            path="stat",
            code="unknown_field",
            detail="There is no parameter 'stat' here.",
            did_you_mean="state",
            allowed=["q", "state", "quotes", "line", "owner", "updated_since", "deleted", "order", "cursor", "limit"],
        )
    ],
    "malformed_header": [
        Fault(path="If-Match", code="malformed_header", detail='If-Match is malformed: write it as "7".')
    ],
    "invalid_answers": [
        Fault(
            pointer="/answers/mqs_legal_entity",
            path="mqs_legal_entity",
            code="unknown_choice",
            detail="This is not one of the choices.",
            did_you_mean="llc",
            allowed=["individual", "partnership", "llc", "corporation"],
        )
    ],
    "invalid_body": [
        Fault(
            pointer="/titel",
            code="unknown_field",
            detail="There is no field 'titel' here.",
            did_you_mean="title",
            allowed=["answers", "answer_pools", "title"],
        )
    ],
    "answers_needed": [
        Fault(path="mqs_fein", code="answer_needed", detail="Federal tax ID (FEIN) is needed before binding.")
    ],
}


def problem_examples(status: int) -> dict[str, Any]:
    """Return the examples of the problems with ``status`` by their code, as OpenAPI has them."""
    return {code: {"value": _problem(status, code)} for code in CODES[status]}


def _problem(status: int, code: str) -> Any:
    faults = _FAULTS.get(code, [])
    locked = LockShape(who="Robin Agent", since=_SINCE, reason="bound") if code == "copy_locked" else UNSET
    existing = ExistingShape(application_form_id="01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10")
    held = HolderShape(who="Robin Agent (user 7)", since=_SINCE, where="web")
    problem = Problem(
        type=f"urn:partner-engine:problem:{code}",
        title=title_of(status),
        status=status,
        detail=CODES[status][code],
        instance=_INSTANCE,
        correlation_id=_CORRELATION_ID,
        errors=faults,
        holder=held if code == "locked_by_another_save" else UNSET,
        lock=locked,
        existing=existing if code == "external_id_taken" else UNSET,
    )
    # Most errors have no single faults; examples leave the empty list out.
    return {name: value for name, value in msgspec.to_builtins(problem).items() if value != []}
