"""The top floor as a Django app."""

from django.apps import AppConfig

# Imported so that the checks register themselves.
from partner_engine import checks

__all__ = ["PartnerEngineConfig", "checks"]


class PartnerEngineConfig(AppConfig):
    """How the product is configured and reached."""

    name = "partner_engine"
    verbose_name = "Partner Engine"
