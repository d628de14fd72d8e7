"""The agent's own account: name, theme, password, second factor, and sessions.

What could lock the owner out needs the present password, whose guesses are limited like those of a sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_otp import login as verify_session

from partner_engine import second_factors
from partner_engine.account_changes import (
    FACTOR_REMOVED,
    PASSWORD_LENGTH,
    add_factor,
    change_password,
    remove_factor,
    renew_codes,
)
from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import client_address
from partner_engine.company_accounts import is_password_refused
from partner_engine.themes import store_theme
from partner_engine.user_sessions import end_other_sessions, end_session, keep_only_this_session, list_sessions
from partner_engine.web.access import Agent, for_agents
from tenants.access import Right

NAME_LENGTH: Final = 200
#: The number of attempts at the password or a code within the account page, as staff set it for guesses.
_GUESSES: Final = AttemptLimit("account")
_OLD_IS_WRONG: Final = (
    "The current password is wrong. Enter the one that you sign in with, "
    "or sign out and choose “Forgot your password?”."
)
_NOTICES: Final = {
    "name": "Your name is saved.",
    "password": "Your password is changed. All other sessions have been ended, and a mail says so.",
    "session": "The session has been ended.",
    "sessions": "All other sessions have been ended.",
    "removed": "The second factor is removed. You sign in with your password only.",
}


class Refused(Exception):
    """An order with a fault at the field ``field`` of the part ``part`` of the page."""

    def __init__(self, part: str, field: str, text: str, *, status: int = 422, wait: int = 0) -> None:
        super().__init__(text)
        self.part = part
        self.field = field
        self.status = status
        self.wait = wait


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the account."""
    return _page(request, agent, notice=_NOTICES.get(request.GET.get("done", ""), ""))


@sensitive_post_parameters()
@require_POST
@for_agents(Right.READ_FORMS)
def order(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Execute ``order`` with its fields; the page says what is wrong with them."""
    execute = _ORDERS.get(request.POST.get("order", ""))
    try:
        if execute is None:
            raise Refused("", "", "This command is unknown.")
        return execute(request, agent)
    except Refused as refused:
        fault = {"part": refused.part, "field": refused.field, "text": str(refused)}
        response = _page(request, agent, fault=fault, status=refused.status)
        if refused.wait:
            response.headers["Retry-After"] = str(refused.wait)
        return response


def _rename(request: HttpRequest, agent: Agent) -> HttpResponse:
    name = " ".join(request.POST.get("full_name", "").split())
    if not name or len(name) > NAME_LENGTH:
        raise Refused("name", "full_name", f"Enter your name, at most {NAME_LENGTH} characters.")
    agent.user.full_name = name
    agent.user.save(update_fields=["full_name"])
    return _done("name")


def _choose_theme(request: HttpRequest, agent: Agent) -> HttpResponse:
    if not store_theme(agent.user, request.POST.get("theme", "")):
        raise Refused("", "", "Choose the theme of the system, the light one or the dark one.")
    return HttpResponse(status=204)


def _change_password(request: HttpRequest, agent: Agent) -> HttpResponse:
    if len(request.POST.get("new_password1", "")) > PASSWORD_LENGTH:
        raise Refused("password", "new_password1", f"Use at most {PASSWORD_LENGTH} characters.")
    form = PasswordChangeForm(agent.user, request.POST)
    form.error_messages = {**form.error_messages, "password_incorrect": _OLD_IS_WRONG}
    _count_guess(request, agent, "password")
    if not form.is_valid():
        field, texts = next(iter(form.errors.items()))
        if field != "old_password":
            _GUESSES.clear(str(agent.user.pk), client_address(request))
        raise Refused("password", field, " ".join(map(str, texts)))
    _GUESSES.clear(str(agent.user.pk), client_address(request))
    change_password(agent.user, agent.tenant, form.cleaned_data["new_password1"])
    keep_only_this_session(request, agent.user)
    return _done("password")


def _end_session(request: HttpRequest, agent: Agent) -> HttpResponse:
    # One that has ended meanwhile is as good as ended.
    have_all_ended = end_session(request, agent.user, request.POST.get("session", ""))
    return _done("sessions" if have_all_ended else "session")


def _end_others(request: HttpRequest, agent: Agent) -> HttpResponse:
    end_other_sessions(request, agent.user)
    return _done("sessions")


def _begin_factor(request: HttpRequest, agent: Agent) -> HttpResponse:
    if not agent.user.has_usable_password():
        raise Refused("factor", "", "You sign in with the account of your company, which asks for it.", status=409)
    if second_factors.confirmed_device(agent.user):
        raise Refused("factor", "", "You have a second factor. Remove it first to set up another app.", status=409)
    return _page(request, agent, device=second_factors.new_device(agent.user))


def _confirm_factor(request: HttpRequest, agent: Agent) -> HttpResponse:
    device = second_factors.unconfirmed_device(agent.user)
    if device is None:
        raise Refused("factor", "", "Begin again: this key is no longer valid.", status=409)
    _check_password(request, agent, "confirm")
    code = "".join(request.POST.get("code", "").split())
    _check_code("confirm", lambda: second_factors.is_code_of(device, code))
    _GUESSES.clear(str(agent.user.pk), client_address(request))
    codes = add_factor(agent.user, agent.tenant, device)
    keep_only_this_session(request, agent.user)
    verify_session(request, device)
    return _page(request, agent, codes=codes, notice="The second factor is set up. All other sessions have been ended.")


def _renew_codes(request: HttpRequest, agent: Agent) -> HttpResponse:
    _check_password_and_code(request, agent, "codes")
    codes = renew_codes(agent.user, agent.tenant)
    keep_only_this_session(request, agent.user)
    notice = "The earlier recovery codes are no longer valid. All other sessions have been ended."
    return _page(request, agent, codes=codes, notice=notice)


def _remove_factor(request: HttpRequest, agent: Agent) -> HttpResponse:
    _check_password_and_code(request, agent, "remove")
    remove_factor(agent.user, agent.tenant, FACTOR_REMOVED)
    keep_only_this_session(request, agent.user)
    return _done("removed")


_ORDERS: Final[dict[str, Callable[[HttpRequest, Agent], HttpResponse]]] = {
    "name": _rename,
    "theme": _choose_theme,
    "password": _change_password,
    "session": _end_session,
    "sessions": _end_others,
    "begin": _begin_factor,
    "confirm": _confirm_factor,
    "codes": _renew_codes,
    "remove": _remove_factor,
}


def _check_password(request: HttpRequest, agent: Agent, part: str) -> None:
    """Check the present password. Raises ``Refused``; the caller clears the count of guesses when all is right."""
    _count_guess(request, agent, part)
    if not agent.user.check_password(request.POST.get("password", "")):
        raise Refused(part, "password", "The password is wrong.")


def _check_password_and_code(request: HttpRequest, agent: Agent, part: str) -> None:
    _check_password(request, agent, part)
    _check_code(part, lambda: second_factors.device_with(agent.user, request.POST.get("code", "")) is not None)
    _GUESSES.clear(str(agent.user.pk), client_address(request))


def _check_code(part: str, is_right: Callable[[], bool]) -> None:
    try:
        if not is_right():
            raise Refused(part, "code", "This code is wrong or too old. Enter the code that the app shows now.")
    except second_factors.TooEarly as early:
        raise Refused(part, "code", str(early), status=429, wait=early.wait) from early


def _count_guess(request: HttpRequest, agent: Agent, part: str) -> None:
    wait = _GUESSES.take(str(agent.user.pk), client_address(request))
    if wait:
        text = f"There were too many attempts. Wait {wait} seconds, then try again."
        raise Refused(part, "", text, status=429, wait=wait)


def _done(code: str) -> HttpResponse:
    return redirect(f"{reverse('web:account')}?done={code}")


def _page(
    request: HttpRequest,
    agent: Agent,
    *,
    device: Any = None,
    codes: list[str] | None = None,
    notice: str = "",
    fault: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page; ``device`` waits for its first code, ``codes`` are new recovery codes."""
    if fault is not None and fault["part"] == "confirm":
        device = second_factors.unconfirmed_device(agent.user)
    shown = agent.context(
        account=agent.user,
        entered_name=request.POST.get("full_name", agent.user.full_name)[: NAME_LENGTH + 1],
        sessions=list_sessions(request, agent.user),
        has_factor=second_factors.confirmed_device(agent.user) is not None,
        codes_left=second_factors.recovery_codes_left(agent.user),
        key=second_factors.spelled_key(device) if device else "",
        image=second_factors.key_image(device) if device else "",
        codes=codes or [],
        notice=notice,
        fault=fault or {},
        company_only=is_password_refused(agent.user),
        may_prove=agent.user.has_usable_password(),
        zone=agent.tenant.time_zone,
    )
    return render(request, "web/account.html", shown, status=status)
