"""The scenarios app."""

from django.apps import AppConfig


class ScenariosConfig(AppConfig):
    """Work on whole copies: comparison with prices, merges, clones and renewals."""

    name = "scenarios"
    verbose_name = "Scenarios"
