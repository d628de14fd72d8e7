"""The Django app of the project and its faces."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

# Imported to register the system checks.
from partner_engine import checks, connection_budget, start_checks
from tracing import start_tracing

__all__ = ["PartnerEngineConfig", "checks", "connection_budget", "start_checks"]


class PartnerEngineConfig(AppConfig):
    """Configuration and faces of the product."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Log sign-ins from now on, and export spans where a setting names the endpoint."""
        import_module("partner_engine.sign_in_log").log_sign_ins()
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            start_tracing()
