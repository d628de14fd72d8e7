"""The batch app: the unit of work on application forms."""

from importlib import import_module

from django.apps import AppConfig


class BatchConfig(AppConfig):
    """Locks, loads, changes, decides and saves; knows no face of the product."""

    name = "batch"
    verbose_name = "Batch"

    def ready(self) -> None:
        """Register the handlers of this room; only now are there models that they can import."""
        import_module("batch.handlers").register_handlers()
        import_module("search.handlers").register_handlers()
        import_module("batch.retention").register_own_upkeep()
