"""The Celery application: wakes up the work that waits in the outbox. Tasks are found in the rooms' ``tasks`` modules."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")

app = Celery("partner_engine")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
