"""The top floor as a Django app."""

from importlib import import_module

from django.apps import AppConfig

# Imported so that the checks register themselves.
from partner_engine import checks

__all__ = ["PartnerEngineConfig", "checks"]


class PartnerEngineConfig(AppConfig):
    """How the product is configured and reached."""

    name = "partner_engine"
    verbose_name = "Partner Engine"

    def ready(self) -> None:
        """Register the handlers of this room; only now are there models that they can import."""
        import_module("partner_engine.mails").register_handlers()
        import_module("partner_engine.handlers").register_handlers()
        import_module("partner_engine.live.publisher").register()
