"""The forms app: application forms, their catalogue and the rules that decide them."""

from django.apps import AppConfig


class FormsConfig(AppConfig):
    """The app of forms, catalogue and rules. It does not know the code that loads or saves them."""

    name = "forms"
    verbose_name = "Application forms"
