"""The WSGI application, for servers that speak no ASGI; it has no sockets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")

application = get_wsgi_application()
