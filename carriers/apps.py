"""The carriers app: who insures, what they sell and at which rates."""

from django.apps import AppConfig


class CarriersConfig(AppConfig):
    """Knows carriers, products, rates and their rules as drafts; not the forms that are decided with them."""

    name = "carriers"
    verbose_name = "Carriers"
