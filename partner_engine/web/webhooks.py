"""The webhook pages for a tenant's administrators: endpoints, tests, deliveries, and replays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from partner_engine.web.access import Agent, for_agents
from tenants.access import Right
from webhooks import endpoints
from webhooks.event_types import ALL, event_types
from webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from webhooks.selectors import (
    NoSuchEndpoint,
    access_endpoint,
    list_deliveries,
    list_disabled_by_product,
    list_endpoints,
)
from webhooks.ssrf import RefusedAddress

PAGE: Final = 25
_MOST_PAGES: Final = 1_000
_MOST_HOURS: Final = 24 * 30
#: How long the page looks by itself for the response to an event that was just queued.
_LOOKS_FOR: Final = timedelta(minutes=2)
#: The event families that the page offers. The API also accepts single event types.
_CHOICES: Final = (
    (ALL, "All events"),
    *((f"{known.family}.{ALL}", known.family.replace("_", " ").capitalize()) for known in event_types()[:-1]),
)


@require_GET
@for_agents(Right.MANAGE_WEBHOOKS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the endpoints with a form to add one."""
    return _list(request, agent, submitted={"event_types": [ALL]})


@require_POST
@for_agents(Right.MANAGE_WEBHOOKS)
def add(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Add an endpoint and show its secret once."""
    submitted: dict[str, Any] = {
        "url": request.POST.get("url", "").strip(),
        "description": request.POST.get("description", "").replace("\0", "").strip()[:200],
        "event_types": request.POST.getlist("event_types"),
        "has_test_forms": "without_test_forms" not in request.POST,
    }
    try:
        endpoint, secret = endpoints.add(submitted.pop("url"), tenant=agent.tenant, actor=agent.actor, **submitted)
    except endpoints.UnknownEventType:
        problem = "Choose at least one type of event."
    except (RefusedAddress, endpoints.TooManyEndpoints) as error:
        problem = str(error)
    else:
        return _detail(request, agent, endpoint, secret=secret)
    submitted["url"] = request.POST.get("url", "")
    return _list(request, agent, submitted=submitted, problem=problem, status=422)


@require_GET
@for_agents(Right.MANAGE_WEBHOOKS)
def show(request: HttpRequest, agent: Agent, endpoint_id: UUID) -> HttpResponse:
    """Show an endpoint with one page of its deliveries and their attempts."""
    return _detail(request, agent, _find(endpoint_id))


@require_POST
@for_agents(Right.MANAGE_WEBHOOKS)
def order(request: HttpRequest, agent: Agent, endpoint_id: UUID) -> HttpResponse:
    """Execute ``order``: test, replay, rotate, on, off, tests-on, tests-off, or remove."""
    endpoint, name = _find(endpoint_id), request.POST.get("order", "")
    if name == "remove":
        endpoints.remove(endpoint, actor=agent.actor)
        return redirect("web:webhooks")
    if name == "rotate":
        return _detail(request, agent, endpoint, secret=endpoints.rotate_secret(endpoint, actor=agent.actor))
    if name not in _ORDERS:
        return _detail(request, agent, endpoint, problem="This command is unknown.", status=422)
    try:
        notice = _ORDERS[name](request, agent, endpoint)
    except endpoints.EndpointIsDisabled as error:
        return _detail(request, agent, endpoint, problem=str(error), status=409)
    return redirect(f"{reverse('web:webhook', args=[endpoint.id])}?notice={notice}")


def _test(request: HttpRequest, agent: Agent, endpoint: WebhookEndpoint) -> str:
    endpoints.send_test(endpoint, actor=agent.actor)
    return "test"


def _replay(request: HttpRequest, agent: Agent, endpoint: WebhookEndpoint) -> str:
    if event := request.POST.get("event", ""):
        try:
            event_id = UUID(event)
        except ValueError as error:
            raise Http404 from error
        endpoints.replay(endpoint, actor=agent.actor, event_id=event_id)
        return "replay"
    hours_text = request.POST.get("hours", "")
    hours = min(int(hours_text[:4]), _MOST_HOURS) if hours_text.isascii() and hours_text.isdecimal() else 1
    endpoints.replay(endpoint, actor=agent.actor, since=timezone.now() - timedelta(hours=hours))
    return "replay"


def _switch(request: HttpRequest, agent: Agent, endpoint: WebhookEndpoint) -> str:
    endpoints.switch(endpoint, on=request.POST["order"] == "on", actor=agent.actor)
    return "switched"


def _switch_tests(request: HttpRequest, agent: Agent, endpoint: WebhookEndpoint) -> str:
    endpoints.change(endpoint, actor=agent.actor, has_test_forms=request.POST["order"] == "tests-on")
    return "switched"


_ORDERS: Final[dict[str, Callable[[HttpRequest, Agent, WebhookEndpoint], str]]] = {
    "test": _test,
    "replay": _replay,
    "on": _switch,
    "off": _switch,
    "tests-on": _switch_tests,
    "tests-off": _switch_tests,
}
_NOTICES: Final = {
    "test": "A test event is on its way. Its response appears below by itself.",
    "replay": "The events are being sent again.",
}


def _find(endpoint_id: UUID) -> WebhookEndpoint:
    try:
        return access_endpoint(endpoint_id)
    except NoSuchEndpoint as error:
        raise Http404 from error


def _list(request: HttpRequest, agent: Agent, *, submitted: Any, problem: str = "", status: int = 200) -> HttpResponse:
    shown = agent.context(
        endpoints=list_endpoints(),
        given_up=list_disabled_by_product(),
        choices=_CHOICES,
        submitted=submitted,
        problem=problem,
        zone=agent.tenant.time_zone,
    )
    return render(request, "web/webhooks.html", shown, status=status)


def _detail(
    request: HttpRequest,
    agent: Agent,
    endpoint: WebhookEndpoint,
    *,
    secret: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    page_text = request.GET.get("page", "")
    page = max(1, min(int(page_text[:9]), _MOST_PAGES)) if page_text.isascii() and page_text.isdecimal() else 1
    first = (page - 1) * PAGE
    listed = list(list_deliveries(endpoint)[first : first + PAGE + 1])
    now = timezone.now()
    shown = agent.context(
        endpoint=endpoint,
        deliveries=listed[:PAGE],
        is_expecting=any(_is_expected(delivery, now) for delivery in listed[:PAGE]),
        next=page + 1 if len(listed) > PAGE else None,
        secret=secret,
        problem=problem,
        notice=_NOTICES.get(request.GET.get("notice", ""), ""),
        now=now,
        zone=agent.tenant.time_zone,
    )
    return render(request, "web/webhook.html", shown, status=status)


def _is_expected(delivery: WebhookDelivery, now: datetime) -> bool:
    """Return whether the first response to ``delivery`` can come any moment."""
    return delivery.state == DeliveryState.PENDING and not delivery.attempts and now - delivery.created_at < _LOOKS_FOR
