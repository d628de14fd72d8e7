"""The application of a web server, with the sabotage named by PE_SABOTAGE: for tests over real HTTP."""

import os

from partner_engine.asgi import application
from tests.harness.faults import sabotage

__all__ = ["application"]

sabotage.apply(os.environ.get("PE_SABOTAGE", ""))
