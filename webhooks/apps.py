"""The webhooks app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Endpoints, signed deliveries with retries, and the SSRF guard."""

    name = "webhooks"
    verbose_name = "Webhooks"
