"""The top floor as a Django app."""

from django.apps import AppConfig

from actions import live_updates

# Imported so that the checks register themselves.
from partner_engine import checks
from partner_engine.live.publisher import publish

__all__ = ["PartnerEngineConfig", "checks"]


class PartnerEngineConfig(AppConfig):
    """How the product is configured and reached."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Register the publisher of live updates."""
        live_updates.register_publisher(publish)
