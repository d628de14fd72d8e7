"""The carriers app: carriers, their products and rates."""

from django.apps import AppConfig


class CarriersConfig(AppConfig):
    """The app of carriers, products, rates and their rules as drafts. It does not know the forms that they decide."""

    name = "carriers"
    verbose_name = "Carriers"
