"""The Django project: configuration, API, pages, admin and live updates."""

from partner_engine.celery import app as celery_app

__all__ = ["celery_app"]
