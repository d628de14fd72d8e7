"""How the product is configured and reached."""

from partner_engine.celery import app as celery_app

__all__ = ["celery_app"]
