"""The catalogue app."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Question sets, choice lists and rules as staff edit them, and their published releases."""

    name = "catalogue"
    verbose_name = "Catalogue"
