"""The actions app: side effects stored with a save and run after it."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ActionsConfig(AppConfig):
    """Stores and runs deferred actions; knows neither the saves that emit them nor their handlers."""

    name = "actions"
    verbose_name = "Deferred actions"

    def ready(self) -> None:
        """Import the ``handlers.py`` of every app, which declares handlers, sweeps, hourly actions and retention."""
        # First its own: actions write the rows that other sweeps look for.
        import_module("actions.handlers")
        autodiscover_modules("handlers")
