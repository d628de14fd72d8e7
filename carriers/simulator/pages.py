"""Pages of the simulator: the carriers, what each received, and the desk of an underwriter who answers by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from carriers.simulator.control import HandAnswer, answer_by_hand
from carriers.simulator.declarations import DeclaredSubjectivity
from carriers.simulator.memory import CarrierState, Memory
from carriers.simulator.rating import UnusableField, premium_of
from carriers.simulator.wire import Reason

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=select_autoescape()
)
ANSWERS: Final = ("quoted", "referred", "declined", "blocked")
_SIDECAR: Final = "/static/drf_spectacular_sidecar/swagger-ui-dist"


@pages.get("/")
def show_carriers(request: Request) -> str:
    """Show all carriers with the numbers of their calls."""
    memory: Memory = request.app.state.memory
    return _TEMPLATES.get_template("carriers.html").render(memory=memory, carriers=memory.carriers.values())


@pages.get("/docs")
def show_documentation(request: Request) -> HTMLResponse:
    """Show the carrier API, to be tried out on the first carrier."""
    memory: Memory = request.app.state.memory
    return get_swagger_ui_html(
        openapi_url=f"/{next(iter(memory.carriers))}/openapi.json",
        title="Carrier API",
        swagger_js_url=f"{_SIDECAR}/swagger-ui-bundle.js",
        swagger_css_url=f"{_SIDECAR}/swagger-ui.css",
        swagger_favicon_url=f"{_SIDECAR}/favicon-32x32.png",
    )


@pages.get("/desk/{code}")
def show_desk(request: Request, code: str) -> str:
    """Show what one carrier received, and the requests that wait for its underwriter."""
    state = _carrier(request, code)
    waiting = [(record, _proposed(state, record.submission.request_token)) for record in state.waiting()]
    return _TEMPLATES.get_template("desk.html").render(state=state, waiting=waiting, is_manual=_is_manual(state))


@pages.post("/desk/{code}/{request_token}")
async def answer_at_desk(request: Request, code: str, request_token: str) -> RedirectResponse:
    """Give a waiting request the underwriter's answer, from the fields of the form."""
    state = _carrier(request, code)
    record = state.by_token.get(request_token)
    if record is None:
        raise HTTPException(404, "There is no such quote.")
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
    status, premium = form.get("status", ""), form.get("premium", "")
    if status not in ANSWERS:
        raise HTTPException(422, "Choose one of the answers.")
    has_premium = status in ("quoted", "referred") and premium.isascii() and premium.isdigit()
    if status == "quoted" and not has_premium:
        raise HTTPException(422, "A quote needs a premium in whole dollars.")
    reason, subjectivity = form.get("reason", "")[:300], form.get("subjectivity", "")[:300]
    given = HandAnswer(
        status=status,  # type: ignore[arg-type]
        premium=int(premium) if has_premium else None,
        reasons=[Reason(code="underwriter", text=reason)] if reason else [],
        subjectivities=[DeclaredSubjectivity(code="underwriter", kind="answer", text=subjectivity, due_days=30)]
        if subjectivity
        else [],
    )
    answer_by_hand(request.app.state.underwriting, state, record, given)
    return RedirectResponse(f"/desk/{code}", 303)


def _carrier(request: Request, code: str) -> CarrierState:
    memory: Memory = request.app.state.memory
    if code not in memory.carriers:
        raise HTTPException(404, "There is no such carrier.")
    return memory.carriers[code]


def _is_manual(state: CarrierState) -> bool:
    return state.behavior.mode == "manual"


def _proposed(state: CarrierState, request_token: str) -> int | None:
    """Return the premium of the rate sheet, which the desk proposes."""
    record = state.by_token[request_token]
    try:
        return premium_of(record.product, record.submission.risk)
    except UnusableField:
        return None
