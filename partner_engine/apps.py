"""The Django app of the project and its faces."""

from django.apps import AppConfig

# Imported to register the system checks.
from partner_engine import checks, connection_budget

__all__ = ["PartnerEngineConfig", "checks", "connection_budget"]


class PartnerEngineConfig(AppConfig):
    """Configuration and faces of the product."""

    name = "partner_engine"
    verbose_name = "Partner Engine"
