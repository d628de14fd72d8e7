"""The simulator as one ASGI application: `uvicorn --factory carriers.simulator.app:create_app`.

CARRIER_SIMULATOR_SPEED divides all waiting times, CARRIER_SIMULATOR_FAILURES=0 turns the seeded failures off,
CARRIER_SIMULATOR_SEED chooses them, and CARRIER_SIMULATOR_CARRIERS names another folder of declared carriers.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from carriers.simulator.callbacks import CallbackSender
from carriers.simulator.carrier_api import carrier_application
from carriers.simulator.control import control
from carriers.simulator.declarations import read_declarations
from carriers.simulator.faults import Faults
from carriers.simulator.memory import Memory
from carriers.simulator.pages import pages
from carriers.simulator.quotes import Underwriting

DECLARED: Final = Path(__file__).resolve().parents[2] / "demo" / "carriers"


def create_app() -> Faults:
    """Return the simulator with the carriers and settings of the environment."""
    memory = Memory(
        read_declarations(Path(os.environ.get("CARRIER_SIMULATOR_CARRIERS") or DECLARED)),
        speed=float(os.environ.get("CARRIER_SIMULATOR_SPEED") or 20),
        has_failures=os.environ.get("CARRIER_SIMULATOR_FAILURES", "1") != "0",
        seed=os.environ.get("CARRIER_SIMULATOR_SEED") or "1",
    )
    sender = CallbackSender(memory)
    underwriting = Underwriting(memory, sender)

    @asynccontextmanager
    async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
        yield
        await memory.stop()
        await sender.close()

    application = FastAPI(title="Carrier simulator", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    application.state.memory, application.state.underwriting = memory, underwriting
    application.include_router(control)
    application.include_router(pages)
    # Swagger UI is a package of its own, so that the documentation needs no other server.
    application.mount("/static", StaticFiles(packages=[("drf_spectacular_sidecar", "static")]))
    application.router.routes.append(Mount("/{carrier}", app=carrier_application(memory, underwriting)))
    return Faults(application, memory)
