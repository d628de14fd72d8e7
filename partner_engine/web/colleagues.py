"""The page of the tenant's accounts, for its administrators: invitations, roles, and who may sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from partner_engine import colleagues
from partner_engine.colleagues import OrderRefused, find_account
from partner_engine.web.access import Agent, for_agents
from tenants.access import Right
from tenants.models import User

_NOTICES: Final = {
    "invited": "The account is added, and an invitation is on its way.",
    "again": "Another invitation is on its way.",
    "role": "The role is changed. Your colleague signs in again.",
    "same": "The account has this role already. Nothing was changed.",
    "off": "The account is switched off, and all its sessions have ended. Its forms stay.",
    "on": "The account is switched on.",
}
_FIELDS: Final = ("email", "full_name", "role")


@require_GET
@for_agents(Right.MANAGE_AGENCY)
def show(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the accounts."""
    return _page(request, agent, notice=_NOTICES.get(request.GET.get("done", ""), ""))


@require_POST
@for_agents(Right.MANAGE_AGENCY)
def order(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Execute ``order`` with its fields; the page says what is wrong with them."""
    execute = _ORDERS.get(request.POST.get("order", ""))
    try:
        if execute is None:
            raise OrderRefused("This command is unknown.")
        done = execute(request, agent)
    except OrderRefused as refused:
        return _page(request, agent, fault=refused)
    return redirect(f"{reverse('web:colleagues')}?done={done}")


def _invite(request: HttpRequest, agent: Agent) -> str:
    fields = {name: request.POST.get(name, "") for name in _FIELDS}
    colleagues.invite_colleague(request, fields, tenant=agent.tenant, actor=agent.actor)
    return "invited"


def _invite_again(request: HttpRequest, agent: Agent) -> str:
    colleagues.invite_again(request, _account(request, agent))
    return "again"


def _change_role(request: HttpRequest, agent: Agent) -> str:
    role = request.POST.get("role", "")
    is_another = colleagues.change_role(request, _account(request, agent), role, actor=agent.actor)
    return "role" if is_another else "same"


def _switch_off(request: HttpRequest, agent: Agent) -> str:
    colleagues.switch(request, _account(request, agent), is_active=False)
    return "off"


def _switch_on(request: HttpRequest, agent: Agent) -> str:
    colleagues.switch(request, _account(request, agent), is_active=True)
    return "on"


_ORDERS: Final[dict[str, Callable[[HttpRequest, Agent], str]]] = {
    "invite": _invite,
    "again": _invite_again,
    "role": _change_role,
    "off": _switch_off,
    "on": _switch_on,
}


def _account(request: HttpRequest, agent: Agent) -> User:
    return find_account(request.POST.get("user", ""), tenant=agent.tenant, actor=agent.actor)


def _page(
    request: HttpRequest, agent: Agent, *, notice: str = "", fault: OrderRefused | None = None
) -> HttpResponse:  # fmt: skip
    shown = agent.context(
        accounts=colleagues.list_accounts(agent.tenant, actor=agent.actor),
        roles=[(role.value, name) for role, name in colleagues.ROLES.items()],
        entered={name: request.POST.get(name, "")[:300] if fault and fault.field else "" for name in _FIELDS},
        notice=notice,
        fault={"text": str(fault), "field": fault.field} if fault else {},
        zone=agent.tenant.time_zone,
    )
    return render(request, "web/colleagues.html", shown, status=fault.status if fault else 200)
