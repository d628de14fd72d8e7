"""The web server's entry: `uvicorn partner_engine.asgi:application`."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from partner_engine.api.http.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
# A pool belongs to a web process alone; settings read this.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")

pages = BodyLimit(get_asgi_application())

from partner_engine.checks import refuse_unsafe_settings  # noqa: E402 - settings are there only now
from partner_engine.live.routing import SOCKETS  # noqa: E402 - and models

application = ProtocolTypeRouter({"http": pages, "websocket": SOCKETS})

refuse_unsafe_settings()
