"""The batch app: the unit of work on application forms."""

from django.apps import AppConfig


class BatchConfig(AppConfig):
    """Locks, loads, changes, decides and saves; knows no face of the product."""

    name = "batch"
    verbose_name = "Batch"
