"""The admin site: sign-in, header, sidebar, start page, and search."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

import structlog
from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.dataclasses import SearchResult
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminTextInputWidget

from partner_engine.admin.locks import locks_page
from partner_engine.admin.operation_charts import charts_page
from partner_engine.admin.overview import overview
from partner_engine.admin.persons import PERMISSION, persons
from partner_engine.admin.second_factor import second_factor
from partner_engine.admin.sessions import own_sessions
from partner_engine.admin.tenant_choice import choose_scope, shown_scope
from partner_engine.admin.theme import choose_theme
from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import client_address
from partner_engine.error_pages import too_many_requests
from partner_engine.sign_out import note_sign_out
from partner_engine.staff_access import may_enter, must_set_up_factor
from partner_engine.user_sessions import begin_session
from tenants.models import User

#: The number of rows of one model in search results.
FOUND_OF_A_KIND: Final = 8
#: The app and model names that are searched after the page titles, in this order.
_SEARCHED: Final = (
    ("forms", "applicationform"),
    ("copies", "copy"),
    ("tenants", "user"),
    ("tenants", "tenant"),
    ("catalogue", "questionset"),
    ("catalogue", "question"),
    ("carriers", "carrierproduct"),
)
#: The sidebar: groups of (title, icon, app, model).
_SIDEBAR: Final = (
    (
        "Application forms",
        (
            ("Forms", "assignment", "forms", "applicationform"),
            ("Copies", "file_copy", "copies", "copy"),
            ("Declinations", "gavel", "forms", "declination"),
            ("Reveals", "visibility", "copies", "sensitivereveal"),
            ("Operations", "dynamic_feed", "operations", "batchoperation"),
            ("Operation charts", "bar_chart", "operations", "batchoperation"),
            ("Import mappings", "view_column", "operations", "importmapping"),
            ("Decision runs", "update", "decisions", "decisionrun"),
        ),
    ),
    (
        "Catalogue",
        (
            ("Catalogues", "menu_book", "catalogue", "catalogue"),
            ("Question sets", "quiz", "catalogue", "questionset"),
            ("Questions", "help", "catalogue", "question"),
            ("Choice lists", "list", "catalogue", "choicelist"),
            ("Derived values", "function", "catalogue", "derivedvalue"),
            ("Form rules", "rule", "catalogue", "formrule"),
            ("Lines of business", "category", "catalogue", "lineofbusiness"),
            ("Golden cases", "verified", "catalogue", "goldencase"),
            ("Releases", "new_releases", "catalogue", "release"),
            ("Roll-outs", "conversion_path", "catalogue", "rollout"),
        ),
    ),
    (
        "Carriers",
        (
            ("Carriers", "apartment", "carriers", "carrier"),
            ("Products", "inventory_2", "carriers", "carrierproduct"),
            ("Quotes", "request_quote", "forms", "quoterequest"),
            ("Rate tables", "table", "carriers", "ratetable"),
            ("Licenses", "badge", "quoting", "producerlicense"),
            ("Appointments", "handshake", "quoting", "carrierappointment"),
            ("Links", "cable", "carriers", "carrierlink"),
            ("Traffic", "swap_vert", "carriers", "carriercall"),
            ("Carrier packages", "deployed_code", "catalogue", "packageimport"),
            ("Package publishers", "verified_user", "catalogue", "packagepublisher"),
        ),
    ),
    (
        "Tenants and access",
        (
            ("Tenants", "domain", "tenants", "tenant"),
            ("Users", "person", "tenants", "user"),
            ("Company sign-ins", "badge", "tenants", "companysignin"),
            ("Groups", "group", "auth", "group"),
            ("API clients", "key", "tenants", "apiclient"),
            ("Feature flags", "flag", "tenants", "flag"),
            ("Rate limits", "speed", "tenants", "ratelimit"),
            ("Own rate limits", "tune", "tenants", "ownratelimit"),
            ("Failed sign-ins", "lock", "axes", "accessattempt"),
            ("A person's data", "person", "operations", "erasure"),
        ),
    ),
    ("Operations", (("Outbox", "outbox", "actions", "outboxaction"), ("Locks", "lock_clock", "copies", "copy"))),
    (
        "Webhooks",
        (
            ("Endpoints", "webhook", "webhooks", "webhookendpoint"),
            ("Deliveries", "send", "webhooks", "webhookdelivery"),
        ),
    ),
)
#: The permissions of pages that need another one than their entry's list.
_PERMISSIONS: Final = {"A person's data": PERMISSION}

#: The pages for staff who have to set up their second factor.
_WITHOUT_FACTOR: Final = frozenset({"second-factor", "logout"})
#: The sidebar entries that lead to a page of their own instead of a changelist.
_PAGES: Final = {
    "Locks": "admin:locks",
    "Operation charts": "admin:operation-charts",
    "A person's data": "admin:persons",
}

#: The attempts of staff at their own password.
_PASSWORDS: Final = AttemptLimit("admin_password")

log = structlog.get_logger(__name__)


class StaffSignIn(OTPAuthenticationFormMixin, AuthenticationForm):
    """The sign-in form: email address, password, and the code of a second factor if there is one."""

    otp_token = forms.CharField(
        label="Second-factor code",
        required=False,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "one-time-code", "inputmode": "numeric"}),
        help_text="Only if you have set up a second factor.",
    )

    def clean(self) -> dict[str, Any]:
        """Check the password, then the code."""
        self.cleaned_data = super().clean()
        user = self.get_user()
        if user is not None and TOTPDevice.objects.filter(user=user, confirmed=True).exists():
            self.clean_otp(user)
        return self.cleaned_data

    def _chosen_device(self, user: User) -> TOTPDevice | None:
        # There is one device per user, locked so that a code counts once. The library would ask the user to choose.
        return TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse users of a tenant. Raises ``ValidationError``."""
        super().confirm_login_allowed(user)
        if user.tenant_id is not None:
            raise ValidationError("This page is for staff. Agents sign in on the product's own page.", code="no_staff")


class StaffSite(UnfoldAdminSite):
    """The admin site for staff."""

    site_title = site_header = "Partner Engine"
    index_title = "Is anything wrong?"
    index_template = "admin/overview.html"
    login_form = StaffSignIn
    login_template = "admin/sign_in.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is staff and has passed their second factor."""
        return may_enter(request)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Return ``view`` for staff only. What it does not find is answered by a page of the admin, with status 404.

        Staff who must set up a second factor reach nothing else.
        """

        @wraps(view)
        def with_own_not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            match = request.resolver_match
            if must_set_up_factor(request) and (match is None or match.url_name not in _WITHOUT_FACTOR):
                return redirect("admin:second-factor")
            try:
                return view(request, *args, **kwargs)
            except Http404:
                context = {**self.each_context(request), "title": "Not here"}
                return render(request, "admin/not_found.html", context, status=404)

        wrapped: Callable[..., HttpResponse] = super().admin_view(with_own_not_found, cacheable)
        return wrapped

    def extra_urls(self) -> list[URLPattern]:
        """Return the URLs that do not belong to a model."""
        return [
            path("scope/", self.admin_view(choose_scope), name="scope"),
            path("locks/", self.admin_view(self.locks), name="locks"),
            path("operation-charts/", self.admin_view(self.operation_charts), name="operation-charts"),
            path("second-factor/", self.admin_view(self.second_factor), name="second-factor"),
            path("sessions/", self.admin_view(self.sessions), name="sessions"),
            path("persons/", self.admin_view(self.persons), name="persons"),
            path("theme/", self.admin_view(choose_theme), name="theme"),
        ]

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """Add the chosen scope and its alternatives for the header."""
        return context | ({"scope": shown_scope(request)} if context["has_permission"] else {})

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the start page."""
        return super().index(request, {**(extra_context or {}), "overview": overview(request)})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in, and note the session for the list of the user's sessions."""
        response = super().login(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and isinstance(request.user, User):
            begin_session(request, request.user)
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign out and remove the user from the active users."""
        if request.method == "POST":
            note_sign_out(request)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Change the user's own password; guesses of the present one are limited."""
        user, address = str(request.user.pk), client_address(request)
        if request.method == "POST" and (wait := _PASSWORDS.take(user, address)):
            return too_many_requests(request, wait)
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            _PASSWORDS.clear(user, address)
            log.info("audit.account_changed", user_id=user, change="password")
        return response

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Show the page for the user's second factor."""
        return second_factor(request, context=self.each_context(request))

    def sessions(self, request: HttpRequest) -> HttpResponse:
        """Show the user's own sessions."""
        return own_sessions(request, self.each_context(request))

    def persons(self, request: HttpRequest) -> HttpResponse:
        """Find, export or erase a person's data."""
        return persons(request, self.each_context(request))

    def locks(self, request: HttpRequest) -> HttpResponse:
        """Show the page with the held locks."""
        return locks_page(request, self.each_context(request))

    def operation_charts(self, request: HttpRequest) -> HttpResponse:
        """Show the charts of batch operations."""
        return charts_page(request, self.each_context(request))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search pages, forms, copies, people, and questions by a word or an id. Results are not stored."""
        term = request.GET.get("s", "").strip()
        if not term:
            return HttpResponse()
        found = self._found(request, term, rows="extended" in request.GET)
        template = "command_results" if "extended" in request.GET else "search_results"
        context = {"results": found, "page_obj": {"count": len(found)}, "page_counter": 0, "execution_time": 0}
        page = f"unfold/helpers/{template}.html"
        return TemplateResponse(request, page, context, headers={"HX-Trigger": "search"})

    def _found(self, request: HttpRequest, term: str, *, rows: bool) -> list[SearchResult]:
        pages = [
            SearchResult(item["title"], group["title"], item["link"], item["icon"])
            for group in sidebar(request)
            for item in group["items"]
            if term.lower() in item["title"].lower()
        ]
        return pages + [result for label in _SEARCHED for result in self._rows(request, label, term)] if rows else pages

    def _rows(self, request: HttpRequest, label: tuple[str, str], term: str) -> list[SearchResult]:
        searched = next((known for model, known in self._registry.items() if _label(model) == label), None)
        if searched is None or not searched.has_view_permission(request):
            return []
        found, may_repeat = searched.get_search_results(request, searched.get_queryset(request), term)
        rows = list((found.distinct() if may_repeat else found)[:FOUND_OF_A_KIND])
        kind = str(searched.model._meta.verbose_name).capitalize()
        describe: dict[Any, str] = getattr(searched, "describe_found", lambda rows: {})(rows)
        return [
            SearchResult(
                describe.get(row.pk, str(row)), kind, reverse(_view(*label, "change"), args=(row.pk,)), "data_object"
            )
            for row in rows
        ]


def _label(model: Any) -> tuple[str, str]:
    return model._meta.app_label, model._meta.model_name


def _view(app: str, model: str, view: str) -> str:
    return f"admin:{app}_{model}_{view}"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar with the lists that the user may see. Unfold calls it by its dotted name."""
    groups: list[dict[str, Any]] = [
        {"title": "", "items": [{"title": "Start", "icon": "monitoring", "link": reverse("admin:index")}]}
    ]
    for title, items in _SIDEBAR:
        links = [
            {"title": name, "icon": icon, "link": reverse(_PAGES.get(name) or _view(app, model, "changelist"))}
            for name, icon, app, model in items
            if _may_open(request, name, f"{app}.view_{model}", f"{app}.change_{model}")
        ]
        if links:
            groups.append({"title": title, "separator": True, "items": links})
    return groups


def _may_open(request: HttpRequest, name: str, *permissions: str) -> bool:
    """Return whether the user has one of ``permissions``, or the one that the page ``name`` needs."""
    needed = (_PERMISSIONS[name],) if name in _PERMISSIONS else permissions
    return any(map(request.user.has_perm, needed))


def stylesheet(request: HttpRequest) -> str:
    """Return the URL of the admin's stylesheet. Unfold calls it by its dotted name."""
    return static("admin_staff/staff.css")


def icon(request: HttpRequest) -> str:
    """Return the URL of the product's icon. Unfold calls it by its dotted name."""
    return static("web/icon.svg")


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return the links to the user's own account pages. Unfold calls it by its dotted name."""
    return [
        {"title": "Second factor", "link": reverse("admin:second-factor")},
        {"title": "Sessions", "link": reverse("admin:sessions")},
        {"title": "Change password", "link": reverse("admin:password_change")},
    ]


site: Final = StaffSite(name="admin")
