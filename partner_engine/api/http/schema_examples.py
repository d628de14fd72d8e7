"""Examples for the OpenAPI description: struct name -> (is it a request body, value)."""

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
    "by": {"type": "api_client", "id": "harbor-demo", "name": "Harbor demo"},
    "created_at": "2026-11-25T14:06:00Z",
}
_EVENT: Final[dict[str, Any]] = {
    "id": "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a02",
    "kind": "external_transfer",
    "details": {"to": "desk 4"},
    "by": {"type": "api_client", "id": "harbor-demo", "name": "Harbor demo"},
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
            "cause": {"type": "api_client", "id": "harbor-demo"},
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

EXAMPLES: Final[dict[str, tuple[bool, Any]]] = {
    "NewForm": (
        True,
        {
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
    ),
    "AnswersChange": (
        True,
        {
            "answers": {"mqs_gl_limit": "l2m", "mqs_email": None},
            "answer_pools": {
                "locations": [
                    {"id": _ROW, "answers": {"mqs_loc_zip": "78702"}},
                    {"answers": {"mqs_loc_state": "TX"}},
                ]
            },
        },
    ),
    "NewCopy": (True, {"title": "Higher limit", "from_copy": _FORM}),
    "CopyChange": (True, {"title": "Base"}),
    "NewMessage": (True, {name: _MESSAGE[name] for name in ("text", "severity", "path")}),
    "PostedMessage": (False, _MESSAGE),
    "PostedMessagePage": (False, {"results": [_MESSAGE], "next": None}),
    "NewQuestionSet": (True, {"code": "qs_wc"}),
    "NewEvent": (True, {name: _EVENT[name] for name in ("kind", "details")}),
    "EventShape": (False, _EVENT),
    "EventPage": (False, {"results": [_EVENT], "next": None}),
    "ProcessPage": (False, {"results": [_PROCESS], "next": None}),
    "ChangesShape": (False, _CHANGES),
    "Problem": (
        False,
        {
            "type": "urn:partner-engine:problem:invalid_answers",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": "A value is invalid: There is no question with this code. See the catalogue.",
            "instance": f"/api/v1/copies/{_FORM}/answers",
            "correlation_id": "01935ad1a3f27c329d3e5f0a6d1c2b10",
            "errors": [
                {
                    "pointer": "/answers/mqs_nothing",
                    "path": "mqs_nothing",
                    "code": "unknown_question",
                    "detail": "There is no question with this code. See the catalogue.",
                }
            ],
        },
    ),
}
