"""The tenants app: users and their rights, and the tenant of each row."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """The lowest app: knows no form."""

    name = "tenants"
    verbose_name = "Tenants and people"
