"""The URLs of the product: health, tokens, admin, API, pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from partner_engine import health
from partner_engine.admin.site import site
from partner_engine.api.http.not_found import UnknownRoute
from partner_engine.full_health import full
from partner_engine.metrics import metrics
from partner_engine.oauth_metadata import AuthorizationServer, ProtectedResource
from partner_engine.oauth_tokens import RevokeToken, Token
from partner_engine.web.accessibility import accessibility
from partner_engine.web.agency import logo
from partner_engine.web.proposals import open_proposal

urlpatterns: list[URLPattern | URLResolver] = [
    # First: most requests are for it, and patterns are tried one after the other.
    path("api/v1/", include("partner_engine.api.urls")),
    re_path(r"^api/", UnknownRoute.as_view()),
    path("healthz", health.live, name="healthz"),
    path("healthz/full", full, name="healthz-full"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("o/token/", Token.as_view(), name="token"),
    path("o/revoke_token/", RevokeToken.as_view(), name="revoke-token"),
    path(".well-known/oauth-protected-resource/mcp", ProtectedResource.as_view(), name="oauth-protected-resource"),
    path(".well-known/oauth-protected-resource", ProtectedResource.as_view()),
    path(".well-known/oauth-authorization-server", AuthorizationServer.as_view(), name="oauth-authorization-server"),
    path("admin/", site.urls),
    path("proposals/<str:secret>", open_proposal, name="open-proposal"),
    path("accessibility", accessibility, name="accessibility"),
    path("logos/<uuid:logo_id>", logo, name="logo"),
    path("guest/accessibility", accessibility, {"speaks": True}, name="guest-accessibility"),
    path("guest/", include("partner_engine.web.guest_urls", namespace="guest")),
    path("", include("partner_engine.web.urls")),
]

handler400 = "partner_engine.error_pages.bad_request"
handler403 = "partner_engine.error_pages.permission_denied"
handler404 = "partner_engine.error_pages.not_found"
handler500 = "partner_engine.error_pages.server_error"
