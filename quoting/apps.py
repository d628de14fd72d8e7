"""The quoting app."""

from django.apps import AppConfig


class QuotingConfig(AppConfig):
    """Quote requests to carriers."""

    name = "quoting"
    verbose_name = "Quoting"
