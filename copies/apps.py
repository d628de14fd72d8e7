"""The copies app: documents, their storage, sensitive answers and history."""

from django.apps import AppConfig


class CopiesConfig(AppConfig):
    """The app of copies and documents. It does not know what answers mean."""

    name = "copies"
    verbose_name = "Copies"
