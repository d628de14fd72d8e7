"""The ASGI entry point: `uvicorn partner_engine.asgi:application`."""

import os
from importlib import import_module

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings

from long_running import hold_in_huge_pages, settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
# Only web processes use a connection pool; settings read this.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")

django.setup(set_prefix=False)

from actions.wakeup_hints import send_apart  # noqa: E402 - needs loaded models
from catalogue.publish_notices import listen_for_releases  # noqa: E402 - needs loaded models
from partner_engine.api.http.body_limit import BodyLimit  # noqa: E402 - needs loaded models
from partner_engine.carrier_callbacks import CarrierCallbacks  # noqa: E402 - needs loaded models
from partner_engine.checks import refuse_unsafe_start  # noqa: E402 - needs configured settings
from partner_engine.connection_budget import log_connection_budget  # noqa: E402 - needs configured settings
from partner_engine.live.routing import SOCKETS  # noqa: E402 - needs loaded models
from partner_engine.mcp.gate import AgentGate  # noqa: E402 - needs loaded models
from partner_engine.request_threads import RequestHandler  # noqa: E402 - needs configured settings

pages = BodyLimit(RequestHandler())
application = ProtocolTypeRouter({"http": CarrierCallbacks(AgentGate(pages)), "websocket": SOCKETS})

# The first request would import them, beside others.
import_module(settings.ROOT_URLCONF)
refuse_unsafe_start(serves_pages=True)
log_connection_budget()
settle()
hold_in_huge_pages()
listen_for_releases()
send_apart()
