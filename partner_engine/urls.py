"""Every address of the product; each face lists its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django_prometheus.exports import ExportToDjangoView
from oauth2_provider.views import RevokeTokenView, TokenView

from partner_engine import health
from partner_engine.api.unknown import Unknown

urlpatterns = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", ExportToDjangoView, name="metrics"),
    path("o/token/", TokenView.as_view(), name="token"),
    path("o/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("api/v1/", include("partner_engine.api.urls")),
    re_path(r"^api/", Unknown.as_view()),
    path("admin/", admin.site.urls),
    path("", include("partner_engine.web.urls")),
]
