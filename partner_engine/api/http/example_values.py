"""Examples for the OpenAPI description: struct name -> value."""

from __future__ import annotations

from typing import Any, Final

_FORM: Final = "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10"
_ROW: Final = "6d1f0c0e-6f3b-4f0e-9a51-0a4f4d7a2f11"

_MESSAGE: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a01",
    "kind": "answer",
    "severity": "task",
    "path": "mqs_gl_limit",
    "text": "The owner asks for the higher limit; call back on Monday.",
    "by": {"type": "api_client", "id": "1", "name": "Harbor demo"},
    "created_at": "2026-11-25T14:06:00Z",
}
_EVENT: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a02",
    "kind": "external_transfer",
    "details": {"to": "desk 4"},
    "by": {"type": "api_client", "id": "1", "name": "Harbor demo"},
    "source": "api",
    "created_at": "2026-11-25T14:13:00Z",
}
_PROCESS: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a03",
    "kind": "quoting",
    "state": "waiting",
    "step": "ask",
    "attempts": 1,
    "created_at": "2026-11-25T14:08:00Z",
    "updated_at": "2026-11-25T14:08:20Z",
    "ended_at": None,
}
_SUBJECTIVITY: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a05",
    "code": "S1",
    "kind": "sign",
    "text": "Signed application",
    "owner": "insured",
    "due_on": "2026-12-10",
    "path": "",
    "done_at": None,
    "done_by": "",
}
_QUOTE_REQUEST: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a04",
    "copy_id": _FORM,
    "product": "VC-PL",
    "carrier": "VC",
    "state": "quoted",
    "premium": 1890,
    "estimate": None,
    "indication": 1890,
    "is_bindable": True,
    "valid_until": "2026-12-25",
    "asked_version": 7,
    "asked": [{"path": "mqs_gl_limit", "label": "Limit per occurrence", "value": "l2m"}],
    "changes": [
        {
            "field": "limit",
            "path": "mqs_gl_limit",
            "label": "Limit per occurrence",
            "asked": "l2m",
            "offered": "l1m",
            "reason": "We offer at most $1,000,000 for this class.",
        }
    ],
    "reasons": [],
    "reason": "",
    "subjectivities": [_SUBJECTIVITY],
    "carrier_reference": "VC-20417",
    "previous_references": [],
    "policy_number": "",
    "attempts": 0,
    "next_attempt_at": None,
    "submitted_at": "2026-11-25T14:09:00Z",
    "answered_at": "2026-11-25T14:09:02Z",
    "firm_at": "2026-11-25T14:09:02Z",
    "created_at": "2026-11-25T14:08:58Z",
    "updated_at": "2026-11-25T14:09:02Z",
}

_BINDING: Final[dict[str, Any]] = {
    "quote_request_id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a04",
    "state": "requested",
    "consent": {
        "wording_hash": "5d2c7a108f217c0b1f9f3a0401935ad15d2c7a108f217c0b1f9f3a0401935ad1",
        "accepted_by": "Robin Example",
        "recorded_by": "Harbor demo",
        "accepted_at": "2026-11-25T15:02:00Z",
        "document_version": 9,
    },
    "consent_void_reason": "",
    "payment_plan": "monthly",
    "payment_method_id": None,
    "requested_at": "2026-11-25T15:02:00Z",
    "answered_at": None,
    "policy_number": "",
    "reasons": [],
}
_CONSENT: Final[dict[str, Any]] = {
    "wording_hash": _BINDING["consent"]["wording_hash"],
    "accepted_by": "Robin Example",
}
_CHANGES: Final[dict[str, Any]] = {
    "id": _FORM,
    "application_form_id": _FORM,
    "version": 8,
    "dry_run": False,
    "changes": [
        {
            "path": "mqs_gl_limit",
            "before": "l1m",
            "after": "l2m",
            "cause": {"type": "api_client", "id": "1"},
        }
    ],
    "eligibility": {
        "QM-BOP": {
            "outcome": "eligible",
            "premium": 2553,
            "bindable": True,
            "reasons": [],
            "missing": [],
            "adjustments": [],
            "missing_for_price": [],
            "priced_by_carrier": False,
        }
    },
    "needed": {"quote": [], "bind": ["mqs_fein"]},
    "needed_counts": {"decide": 0, "price": 0, "quote": 0, "bind": 1},
    "messages": [],
}

_SHARE_OF_LIMIT: Final[dict[str, Any]] = {"paths": ["mqs_gl_limit"], "amount": 284, "error": 0}
_COMPARED_OUTCOME: Final[dict[str, Any]] = {
    "outcome": "eligible",
    "premium": 2451,
    "bindable": True,
    "reasons": [],
    "missing": [],
    "adjustments": [],
    "missing_for_price": [],
    "priced_by_carrier": False,
}
_COMPARED_ANSWER: Final[dict[str, Any]] = {
    "value": "l1m",
    "active": True,
    "required": "quote",
    "readonly": False,
    "answered_by": {"type": "api_client", "id": "1", "source": "api"},
    "updated_at": "2026-11-25T14:06:00Z",
}
_COMPARISON: Final[dict[str, Any]] = {
    "copies": [
        {
            "id": identity,
            "application_form_id": _FORM,
            "title": title,
            "version": version,
            "release": 3,
            "as_of": "2026-06-01",
        }
        for identity, title, version in ((_FORM, "Base", 4), (_ROW, "Higher limit", 2))
    ],
    "currency": "USD",
    "products": [
        {
            "product": "QM-BOP",
            "outcomes": [_COMPARED_OUTCOME, {**_COMPARED_OUTCOME, "premium": 2735}],
            "differences": [
                {
                    "difference": 284,
                    "only_here": [],
                    "only_there": [],
                    "way_back": "",
                    "shares": [_SHARE_OF_LIMIT],
                    "split": "exact",
                    "is_read": True,
                }
            ],
        }
    ],
    "differences": [
        {
            "kind": "answer",
            "path": "mqs_gl_limit",
            "label": "Each occurrence limit",
            "paths": ["mqs_gl_limit", "mqs_gl_limit"],
            "answers": [_COMPARED_ANSWER, {**_COMPARED_ANSWER, "value": "l2m"}],
            "effects": [{"QM-BOP": 284}],
        }
    ],
    "note": "Shares are our estimate, computed from the carriers' rates in the catalogue; carriers may rate otherwise.",
}

EXAMPLES: Final[dict[str, Any]] = {
    "NewForm": {
        "title": "Copper Kettle",
        "answers": {"mqs_business_name": "Copper Kettle Bistro LLC", "mqs_naics": "722511", "mqs_lobs": ["bop"]},
        "answer_pools": {
            "locations": [
                {
                    "answers": {"mqs_loc_state": "TX", "mqs_loc_zip": "78701"},
                    "answer_pools": {"buildings": [{"answers": {"mqs_bld_sqft": 3200}}]},
                }
            ]
        },
    },
    "AnswersChange": {
        "answers": {"mqs_gl_limit": "l2m", "mqs_email": None},
        "answer_pools": {
            "locations": [
                {"id": _ROW, "answers": {"mqs_loc_zip": "78702"}},
                {"answers": {"mqs_loc_state": "TX"}},
            ]
        },
    },
    "NewCopy": {"title": "Higher limit", "from_copy": _FORM},
    "CopyChange": {"title": "Base"},
    "NewMessage": {name: _MESSAGE[name] for name in ("text", "severity", "path")},
    "PostedMessage": _MESSAGE,
    "PostedMessagePage": {"results": [_MESSAGE], "next": None},
    "NewQuestionSet": {"code": "qs_wc"},
    "NewEvent": {name: _EVENT[name] for name in ("kind", "details")},
    "EventShape": _EVENT,
    "EventPage": {"results": [_EVENT], "next": None},
    "ProcessPage": {"results": [_PROCESS], "next": None},
    "NewQuoteRequests": {"products": ["QM-BOP", "VC-PL"]},
    "RequestedShape": {
        "requested": [
            _QUOTE_REQUEST
            | dict.fromkeys(("premium", "indication", "valid_until", "asked_version"))
            | dict.fromkeys(("submitted_at", "answered_at", "firm_at"))
            | {"state": "queued", "is_bindable": False, "asked": [], "changes": [], "subjectivities": []}
            | {"carrier_reference": ""}
        ],
        "refused": [
            {"product": "QM-BOP", "code": "already_quoted", "text": "There is a current quote of this product."}
        ],
    },
    "QuoteRequestShape": _QUOTE_REQUEST,
    "QuoteRequestPage": {"results": [_QUOTE_REQUEST], "next": None},
    "EnteredQuote": {
        "status": "quoted",
        "reference": "OH-311",
        "premium": 2210,
        "is_bindable": True,
        "valid_until": "2026-12-25",
        "reason": "",
    },
    "SubjectivityShape": _SUBJECTIVITY,
    "NewConsent": _CONSENT,
    "BindOrder": {"consent": _CONSENT},
    "NewAssistance": {"note": "The carrier asks for a signature that we do not have."},
    "BindingShape": _BINDING,
    "BindingPlan": {
        "copy_id": _FORM,
        "binding": {**_BINDING, "state": "none", "consent": None, "payment_plan": "", "requested_at": None},
        "terms": {
            "insured": "Copper Kettle Bistro LLC",
            "carrier": "Quillmark Mutual",
            "product": "Business owners",
            "reference": "QM-0000031",
            "premium": 2451,
            "currency": "USD",
            "effective_on": "2026-12-15",
            "payment_plan": "Monthly",
            "changes": [],
            "disclosures": [],
            "wording": "Copper Kettle Bistro LLC asks Quillmark Mutual to bind Business owners insurance ...",
            "wording_hash": _BINDING["consent"]["wording_hash"],
        },
        "needed": ["mqs_fein"],
        "subjectivities": [],
        "refusals": [
            {
                "code": "answers_needed",
                "detail": "These answers are needed before the quote is bound: Federal tax ID (FEIN).",
                "remedy": "answer",
            }
        ],
    },
    "ChangesShape": _CHANGES,
    "ComparisonShape": _COMPARISON,
}

#: Values of fields by their names, for the examples that are made from fields.
BY_FIELD: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a01",
    "application_form_id": _FORM,
    "copy_id": _FORM,
    "accepted_by": "Robin Example",
    "amount": 284,
    "carrier": "QM",
    "catalogue": "bop",
    "code": "qs_wc",
    "code.key": "mqs_gl_limit",
    "correlation_id": "01935ad1-a3f2-7c32-9d3e-5f0a6d1c2b10",
    "currency": "USD",
    "description": "Our systems",
    "detail": "There is no question of this code; see the catalogue.",
    "eligibility.key": "QM-BOP",
    "products.key": "QM-BOP",
    "premiums.key": "QM-BOP",
    "outcomes.key": "QM-BOP",
    "gates.key": "QM-BOP",
    "answer_pools.key": "locations",
    "event_type": "answers.changed",
    "event_types": "quote_request.*",
    "expires_at": "2026-12-02T14:06:00Z",
    "file_name": "forms.csv",
    "hash": "5d2c7a108f217c0b1f9f3a0401935ad15d2c7a108f217c0b1f9f3a0401935ad1",
    "insured": "Copper Kettle Bistro LLC",
    "kind": "set_answers",
    "label": "Each occurrence limit",
    "limit": 25,
    "line": "bop",
    "message": "The owner calls back on Monday",
    "name": "Harbor demo",
    "next": None,
    "path": "mqs_gl_limit",
    "pool": "locations",
    "premium": 2451,
    "product": "QM-BOP",
    "products": "QM-BOP",
    "purpose": "carrier",
    "question_set": "qs_wc",
    "reason": "The carrier asks for the number",
    "release": 12,
    "role": "api_client",
    "rule": "QB7",
    "secret": "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD",
    "state": "in_progress",
    "tenant": "harbor",
    "text": "Roof over 20 years old",
    "title": "Copper Kettle",
    "total": 2000,
    "type": "api_client",
    "url": "https://hooks.example.com/in",
    "value": "l1m",
    "version": 7,
}
