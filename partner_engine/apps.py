"""The top floor as a Django app."""

from django.apps import AppConfig

from actions import broadcasting

# Imported so that the checks register themselves.
from partner_engine import checks
from partner_engine.sockets.announcing import announce

__all__ = ["PartnerEngineConfig", "checks"]


class PartnerEngineConfig(AppConfig):
    """How the product is configured and reached."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Give the lower rooms what they call by name alone."""
        broadcasting.register(announce)
