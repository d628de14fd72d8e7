"""Lets signed-in agents in, and guests where a page is for them too; turns refusals into pages (for parts of a page:
into a status with its reason).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from batch.errors import BatchError, GuestLinkInvalid
from guests.service import access_guest
from partner_engine.error_statuses import status_of
from partner_engine.tenant_middleware import act_as
from partner_engine.web.problem_pages import problem_page
from partner_engine.web.visitors import GuestVisitor, Visitor
from tenants.access import MissingRight, Right
from tenants.models import Tenant, User

P = ParamSpec("P")
V = TypeVar("V", bound=Visitor)

#: The cookie with the secret of a guest's session; browsers send it to the guest's own pages of that copy alone.
GUEST_COOKIE: Final = "guest"
#: The instance of the pages' addresses that is for guests.
GUESTS: Final = "guest"


class Agent(Visitor):
    """The signed-in agent of a request."""

    def __init__(self, user: User, tenant: Tenant) -> None:
        super().__init__(user.as_actor(source="web"), tenant)
        self.user = user

    def context(self, **shown: Any) -> dict[str, Any]:
        """Return what every page shows, with ``shown``."""
        initials = "".join(word[0] for word in (self.user.full_name or self.user.email).replace(".", " ").split()[:2])
        manages_webhooks = self.actor.may(Right.MANAGE_WEBHOOKS)
        return super().context(initials=initials.upper(), manages_webhooks=manages_webhooks, **shown)


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
            return _let_agent_in(request, right, lambda agent: view(request, agent, *args, **kwargs))

        return answer

    return decorate


def for_visitors(
    right: Right,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """Let agents with ``right`` into a view, and at a guest's address the guest of the copy that it names."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            def show(visitor: Visitor) -> HttpResponse:
                return view(request, visitor, *args, **kwargs)

            if request.resolver_match is not None and request.resolver_match.namespace == GUESTS:
                return _let_guest_in(request, right, show, copy_id=request.resolver_match.kwargs["copy_id"])
            return _let_agent_in(request, right, show)

        return answer

    return decorate


def _let_agent_in(request: HttpRequest, right: Right, view: Callable[[Agent], HttpResponse]) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        response = HttpResponse(status=401) if _is_part(request) else redirect_to_login(request.get_full_path())
    elif user.tenant is None:
        response = HttpResponse(status=403) if _is_part(request) else redirect("admin:index")
    else:
        response = _answer(request, right, Agent(user, user.tenant), view)
    response.headers["Cache-Control"] = "no-store"
    return response


def _let_guest_in(
    request: HttpRequest, right: Right, view: Callable[[Visitor], HttpResponse], *, copy_id: UUID
) -> HttpResponse:
    try:
        guest = access_guest(copy_id, request.COOKIES.get(GUEST_COOKIE, ""))
    except GuestLinkInvalid as error:
        response = _refuse(request, 401, "", str(error)) if _is_part(request) else redirect("guest:open", copy_id)
    else:
        act_as(request, actor=guest.actor, tenant=guest.tenant)
        response = _answer(request, right, GuestVisitor(guest), view)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _answer(request: HttpRequest, right: Right, visitor: V, view: Callable[[V], HttpResponse]) -> HttpResponse:
    try:
        visitor.actor.require(right)
        return view(visitor)
    except MissingRight as error:
        return _refuse(request, 403, "You may not do this", str(error))
    except BatchError as error:
        status = status_of(error)
        if status >= 500:
            raise
        title = "There is no such form" if status == 404 else "This cannot be done now"
        return _refuse(request, status, title, str(error))


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _refuse(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if not _is_part(request):
        return problem_page(request, status=status, title=title, text=text)
    response = HttpResponse(status=status)
    response.headers["X-Problem"] = text.encode("ascii", "replace").decode()
    return response
