"""The decisions app."""

from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    """Keeps decisions up with releases and days: decides stored copies anew, in lists and in runs."""

    name = "decisions"
    verbose_name = "Decisions"
