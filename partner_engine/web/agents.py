"""Lets signed-in agents in, and turns refusals into pages (for parts of a page: into a status with its reason)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from batch.errors import BatchError
from partner_engine.web.pages.reading import Reader
from partner_engine.web.problems import problem_page
from tenants.access import Actor, MissingRight, Right
from tenants.models import Tenant, User

P = ParamSpec("P")


class Agent:
    """The signed-in agent of a request: their tenant is the current one already."""

    def __init__(self, user: User, tenant: Tenant) -> None:
        self.user = user
        self.tenant = tenant
        self.actor: Actor = user.as_actor(source="web")

    @property
    def reader(self) -> Reader:
        """Return what the agent may see and in which time zone."""
        return Reader(
            zone=ZoneInfo(self.tenant.time_zone),
            now=timezone.now(),
            may_write=self.actor.may(Right.WRITE_FORMS),
            sees_pii=self.actor.may(Right.READ_PERSONAL),
        )

    def context(self, **shown: Any) -> dict[str, Any]:
        """Return what every page shows, with ``shown``."""
        initials = "".join(word[0] for word in (self.user.full_name or self.user.email).replace(".", " ").split()[:2])
        manages_webhooks = self.actor.may(Right.MANAGE_WEBHOOKS)
        return {"tenant": self.tenant, "initials": initials.upper(), "manages_webhooks": manages_webhooks, **shown}


def for_agents(
    right: Right,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Agent, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """Let agents with ``right`` into a view, which gets an ``Agent`` as second argument; browsers keep no answer."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Agent, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            response = _let_in(request, right, lambda agent: view(request, agent, *args, **kwargs))
            response.headers["Cache-Control"] = "no-store"
            return response

        return answer

    return decorate


def _let_in(request: HttpRequest, right: Right, view: Callable[[Agent], HttpResponse]) -> HttpResponse:
    is_part = request.headers.get("HX-Request") == "true"
    user = request.user
    if not isinstance(user, User):
        return HttpResponse(status=401) if is_part else redirect_to_login(request.get_full_path())
    if user.tenant is None:
        return HttpResponse(status=403) if is_part else redirect("admin:index")
    agent = Agent(user, user.tenant)
    try:
        agent.actor.require(right)
        return view(agent)
    except MissingRight as error:
        return _refuse(request, 403, "You may not do this", str(error), is_part=is_part)
    except BatchError as error:
        if error.status >= 500:
            raise
        title = "There is no such form" if error.status == 404 else "This cannot be done now"
        return _refuse(request, error.status, title, str(error), is_part=is_part)


def _refuse(request: HttpRequest, status: int, title: str, text: str, *, is_part: bool) -> HttpResponse:
    if not is_part:
        return problem_page(request, status=status, title=title, text=text)
    response = HttpResponse(status=status)
    response.headers["X-Problem"] = text.encode("ascii", "replace").decode()
    return response
