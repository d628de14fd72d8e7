"""The product as browser tests serve it: static files are found once and stay in the browser for the test, as in
production, where their names change with their content. For a server process only.
"""

from __future__ import annotations

import os

from django.conf import settings

# As the product's entry does, before anything reads a setting.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
os.environ.setdefault("DATABASE_POOL_SIZE", "10")
# The systems of partners run on this machine.
os.environ.setdefault("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
settings.WHITENOISE_AUTOREFRESH = False
settings.WHITENOISE_MAX_AGE = 3_600
settings.STATIC_ROOT = None

from partner_engine.asgi import application  # noqa: E402 - with these settings

__all__ = ["application"]
