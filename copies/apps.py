"""The copies app: documents, their storage, sealing and history."""

from django.apps import AppConfig


class CopiesConfig(AppConfig):
    """Knows copies and documents; not what their answers mean."""

    name = "copies"
    verbose_name = "Copies"
