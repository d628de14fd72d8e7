"""The guests app."""

from django.apps import AppConfig


class GuestsConfig(AppConfig):
    """Guest links: issue, follow, finish."""

    name = "guests"
    verbose_name = "Guests"
