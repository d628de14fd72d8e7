"""The actions app: side effects stored with a save and run after it."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """Knows kinds of deferred actions and their outbox; not which saves make them."""

    name = "actions"
    verbose_name = "Deferred actions"
