"""The top floor as an app: its system checks and its faces."""

from django.apps import AppConfig
from django.core.checks import register

from partner_engine.checks import check_production, check_servers


class PartnerEngineConfig(AppConfig):
    """Registers the system checks of the installation."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Register the checks."""
        register(check_servers)
        register(check_production, deploy=True)
