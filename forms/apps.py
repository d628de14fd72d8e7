"""The forms app."""

from django.apps import AppConfig


class FormsConfig(AppConfig):
    """Application forms and the records attached to them; only the batch writes them."""

    name = "forms"
    verbose_name = "Application forms"
