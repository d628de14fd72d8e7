"""The Django app of the project and its faces."""

from django.apps import AppConfig

from actions import live_updates

# Imported to register the system checks.
from partner_engine import checks
from partner_engine.live.publisher import publish

__all__ = ["PartnerEngineConfig", "checks"]


class PartnerEngineConfig(AppConfig):
    """Configuration and faces of the product."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Register the publisher of live updates."""
        live_updates.register_publisher(publish)
