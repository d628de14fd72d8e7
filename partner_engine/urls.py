"""Every address of the product: health, tokens, admin, API, pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django_prometheus.exports import ExportToDjangoView
from oauth2_provider.views import RevokeTokenView, TokenView

from partner_engine import health

oauth = ([path("token/", TokenView.as_view(), name="token"), path("revoke_token/", RevokeTokenView.as_view(), name="revoke-token")], "oauth2_provider")


def _part(prefix: str, module: str) -> list[URLPattern | URLResolver]:
    try:
        return [path(prefix, include(module))]
    except ModuleNotFoundError:
        return []


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("metrics", ExportToDjangoView, name="metrics"),
    path("o/", include(oauth)),
    path("admin/", admin.site.urls),
    *_part("api/v1/", "partner_engine.api.urls"),
    *_part("", "partner_engine.web.urls"),
]

handler400 = "partner_engine.errors.bad_request"
handler403 = "partner_engine.errors.permission_denied"
handler404 = "partner_engine.errors.not_found"
handler500 = "partner_engine.errors.server_error"
