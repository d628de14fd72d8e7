"""The application as a web server runs it, made worse as PE_SABOTAGE says: for tests over real HTTP."""

import os

from partner_engine.asgi import application
from tests.harness.faults import sabotage

__all__ = ["application"]

sabotage.apply(os.environ.get("PE_SABOTAGE", ""))
