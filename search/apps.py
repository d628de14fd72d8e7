"""The search app."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """The search index over forms, its queries and its handler."""

    name = "search"
    verbose_name = "Search"
