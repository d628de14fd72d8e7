"""The batch app: the unit of work on application forms."""

from django.apps import AppConfig


class BatchConfig(AppConfig):
    """The app that locks, loads, changes, decides and saves; it knows no face of the product."""

    name = "batch"
    verbose_name = "Batch"
