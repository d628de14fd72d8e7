"""Decorators that admit signed-in agents, and guests where a page is open to them.

A refusal becomes a page, or a status with its reason if only a part of a page was requested.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from batch import service as batch
from batch.errors import BatchError, GuestLinkInvalid, NotFound
from guests.service import access_guest
from partner_engine import error_pages
from partner_engine.error_statuses import RETRY_AFTER, status_of
from partner_engine.tenant_middleware import act_as
from partner_engine.web.problem_pages import problem_page, problem_part
from partner_engine.web.visitors import GuestVisitor, Visitor
from tenants.access import MissingRight, Right
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.limits.errors import RateLimited
from tenants.models import Tenant, User

P = ParamSpec("P")
V = TypeVar("V", bound=Visitor)

#: The cookie with the secret of a guest session. Browsers send it only to the guest's pages of that copy.
GUEST_COOKIE: Final = "guest"
#: The URL namespace of the guests' pages.
GUESTS: Final = "guest"
_OUTDATED: Final = "This page was open too long. Copy what you typed, and load the page again."
#: Names the account for which a page was made: requests of the page are never made in the name of another one.
_PAGE_OF: Final = "X-Page-Of"
_OTHER_ACCOUNT: Final = "another account is signed in. Sign in again as before."
_CLOSED_FOR_GUESTS: Final = (
    "Your agent has deleted this form, so it takes no answers. Ask your agent if you still need it."
)


class Agent(Visitor):
    """The signed-in agent of a request."""

    def __init__(self, user: User, tenant: Tenant) -> None:
        super().__init__(user.as_actor(source="web"), tenant)
        self.user = user

    def context(self, **shown: Any) -> dict[str, Any]:
        """Return the template context of every page, extended by ``shown``."""
        known = {
            "initials": self.user.initials,
            "page_of": str(self.user.pk),
            "may_start": self.actor.may(Right.WRITE_FORMS),
            "manages_webhooks": self.actor.may(Right.MANAGE_WEBHOOKS),
            "manages_agency": self.actor.may(Right.MANAGE_AGENCY),
            "operations_are_on": self.operations_are_on,
        }
        return super().context(**known, **shown)

    @property
    def operations_are_on(self) -> bool:
        """Return whether the flag gives the agent operations over many forms."""
        return bool(explain_flag(BATCH_OPERATIONS, actor=self.actor, tenant=self.tenant))

    @property
    def may_operate(self) -> bool:
        """Return whether the agent may start operations."""
        return self.actor.may(Right.WRITE_FORMS) and self.operations_are_on


def for_agents(
    right: Right,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Agent, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """Admit agents with ``right`` to a view, which receives an ``Agent`` as its second argument.

    Browsers do not store the responses.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, Agent, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def respond(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            return _admit_agent(request, right, lambda agent: view(request, agent, *args, **kwargs))

        return respond

    return decorate


def for_visitors(
    right: Right,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """Admit agents with ``right`` to a view, and on a guest URL the guest of the copy in that URL."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def respond(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            def show(visitor: Visitor) -> HttpResponse:
                return view(request, visitor, *args, **kwargs)

            if request.resolver_match is not None and request.resolver_match.namespace == GUESTS:
                return _admit_guest(request, right, show, copy_id=request.resolver_match.kwargs["copy_id"])
            return _admit_agent(request, right, show)

        return respond

    return decorate


def _admit_agent(request: HttpRequest, right: Right, view: Callable[[Agent], HttpResponse]) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        response = HttpResponse(status=401) if _is_part(request) else redirect_to_login(request.get_full_path())
    elif _is_of_another(request, user):
        response = _refuse_other_account()
    elif user.tenant is None:
        response = HttpResponse(status=403) if _is_part(request) else redirect("admin:index")
    else:
        response = _respond(request, right, Agent(user, user.tenant), view)
    response.headers["Cache-Control"] = "no-store"
    return response


def _admit_guest(
    request: HttpRequest, right: Right, view: Callable[[Visitor], HttpResponse], *, copy_id: UUID
) -> HttpResponse:
    try:
        guest = access_guest(copy_id, request.COOKIES.get(GUEST_COOKIE, ""))
    except GuestLinkInvalid as error:
        response = refuse(request, 401, "", str(error)) if _is_part(request) else redirect("guest:open", copy_id)
    else:
        act_as(request, actor=guest.actor, tenant=guest.tenant)
        response = _respond(request, right, GuestVisitor(guest), view)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _respond(request: HttpRequest, right: Right, visitor: V, view: Callable[[V], HttpResponse]) -> HttpResponse:
    try:
        visitor.actor.require(right)
        return view(visitor)
    except MissingRight as error:
        return refuse(request, 403, "You do not have permission to do this", str(error))
    except RateLimited as limited:
        return error_pages.too_many_requests(request, limited.retry_after)
    except BatchError as error:
        if isinstance(error, NotFound) and _shows_a_view(request) and (copy_id := _deleted_form(request, visitor)):
            return redirect("web:copy", copy_id)
        status = status_of(error)
        if status >= 500:
            raise
        if visitor.guest is not None and isinstance(error, NotFound):
            return refuse(request, status, "This form is closed", _CLOSED_FOR_GUESTS)
        title = "This form does not exist" if status == 404 else "This cannot be done right now"
        response = refuse(request, status, title, str(error))
        if error.code in RETRY_AFTER:
            # Without it a page does not send the same again by itself.
            response.headers["Retry-After"] = str(RETRY_AFTER[error.code])
        if isinstance(error, NotFound) and _is_part(request) and (copy_id := _deleted_form(request, visitor)):
            response.headers["X-Form-Deleted"] = reverse("web:copy", args=(copy_id,))
            response.headers["X-Problem"] = "This form was deleted."
        return response


def _shows_a_view(request: HttpRequest) -> bool:
    """Return whether a whole page other than the form's own is requested, which shows deleted forms by itself."""
    is_other = request.resolver_match is not None and request.resolver_match.url_name != "copy"
    return request.method == "GET" and not _is_part(request) and is_other


def _deleted_form(request: HttpRequest, visitor: Visitor) -> UUID | None:
    """Return the id of the copy of the request if its form was deleted and the agent can see it."""
    copy_id = request.resolver_match.kwargs.get("copy_id") if request.resolver_match else None
    if visitor.guest is not None or copy_id is None:
        return None
    try:
        context = batch.find(copy_id, scope=visitor.tenant, actor=visitor.actor, archived=True)
    except NotFound:
        return None
    is_deleted = context.form.deleted_at is not None and context.copy.fields.deleted_at is None
    return context.copy.id if is_deleted else None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the response to a write with a missing or outdated CSRF token. An agent's page whose cookies are gone
    learns that nobody is signed in, others learn what helps.
    """
    is_of_guest = request.resolver_match is not None and request.resolver_match.namespace == GUESTS
    if is_of_guest or not _is_part(request):
        return error_pages.csrf_failure(request, reason)
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    if isinstance(request.user, User) and _is_of_another(request, request.user):
        return _refuse_other_account()
    return problem_part(status=403, text=_OUTDATED)


def _is_of_another(request: HttpRequest, user: User) -> bool:
    """Return whether the request comes from a page that was made for another account."""
    return request.headers.get(_PAGE_OF, str(user.pk)) != str(user.pk)


def _refuse_other_account() -> HttpResponse:
    response = problem_part(status=401, text=_OTHER_ACCOUNT)
    response.headers["X-Other-Account"] = "true"
    return response


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def refuse(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Return a refusal: a page, or the status with ``X-Problem`` if only a part of a page was requested."""
    if not _is_part(request):
        return problem_page(request, status=status, title=title, text=text)
    return problem_part(status=status, text=text)
