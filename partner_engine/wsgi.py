"""The WSGI entry point: serves pages and API; WebSockets need ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
# Only web processes use a connection pool; settings read this.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")

application = get_wsgi_application()

from catalogue.publish_notices import listen_for_releases  # noqa: E402 - needs loaded models
from partner_engine.checks import refuse_unsafe_start  # noqa: E402 - needs configured settings

refuse_unsafe_start(serves_pages=True)
listen_for_releases()
