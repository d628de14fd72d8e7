"""The Prometheus metrics, for the networks and the token in the settings."""

from __future__ import annotations

from ipaddress import ip_address
from secrets import compare_digest

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from actions.lag import note_lag
from carriers.links.inspection import note_open_circuits
from partner_engine.client_addresses import client_address
from webhooks.lag import note_webhook_lag

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this process and the relay's lag in every database; 403 for other clients."""
    if not may_read_metrics(request):
        return refuse_metrics(request)
    note_lag()
    note_webhook_lag()
    note_open_circuits()
    exported: HttpResponse = ExportToDjangoView(request)
    return exported


def refuse_metrics(request: HttpRequest) -> HttpResponse:
    """Return the 403 to other clients, and log it."""
    log.warning("audit.metrics_refused", address=client_address(request))
    remedy = "Metrics require an address in METRICS_NETWORKS, or METRICS_TOKEN as a bearer token."
    return HttpResponse(f"{remedy}\n", status=403, content_type="text/plain")


def may_read_metrics(request: HttpRequest) -> bool:
    """Return whether the client has an address in ``METRICS_NETWORKS``, or the token."""
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    token: str = settings.METRICS_TOKEN
    if token and scheme.lower() == "bearer" and compare_digest(sent.encode(), token.encode()):
        return True
    try:
        address = ip_address(client_address(request))
    except ValueError:
        # No address, for example on a Unix socket.
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in settings.METRICS_NETWORKS)
