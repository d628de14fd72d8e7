"""The web server's entry: any WSGI server; pages and API work, sockets need ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
# A pool belongs to a web process alone; settings read this.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")

application = get_wsgi_application()

from partner_engine.checks import refuse_unsafe_settings  # noqa: E402 - settings are there only now

refuse_unsafe_settings()
