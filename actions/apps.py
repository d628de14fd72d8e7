"""The actions app: side effects stored with a save and run after it."""

from importlib import import_module

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """Knows kinds of deferred actions, their outbox and the relay; not which saves make them, nor who handles them."""

    name = "actions"
    verbose_name = "Deferred actions"

    def ready(self) -> None:
        """Register what this room does by itself; only now are there models that it can import."""
        import_module("actions.handlers").register_own()
        import_module("webhooks.handlers").register_webhooks()
