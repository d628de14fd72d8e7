"""The tenants app: who may use the product, and which rows are whose."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """The ground floor: knows no form."""

    name = "tenants"
    verbose_name = "Tenants and people"
