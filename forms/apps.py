"""The forms app: application forms, the catalogue they are asked by and the rules that decide."""

from django.apps import AppConfig


class FormsConfig(AppConfig):
    """Knows forms, catalogue and rules; not who loads or saves them."""

    name = "forms"
    verbose_name = "Forms and catalogue"
