"""The operations app."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Work on all data of a tenant: moves, exports, erasure."""

    name = "operations"
    verbose_name = "Operations"
