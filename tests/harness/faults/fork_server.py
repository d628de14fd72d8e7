"""The process that forks: has everything imported, migrated and compiled, and runs each trial in a fork of itself.

Requests come over a socket as JSON, with the pipe that the trial reports to. Started by
``tests.harness.faults.trials``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import django
import time_machine

django.setup()

from django.core.cache import caches  # noqa: E402 - Django has to be set up first
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django_redis import get_redis_connection  # noqa: E402

from catalogue import releases  # noqa: E402
from catalogue.loader import load  # noqa: E402
from house.supervisor import end_with_parent  # noqa: E402
from partner_engine import urls  # noqa: E402, F401 - imports the faces, so that no trial has to
from tenants.flags import COPIES  # noqa: E402
from tenants.models import Flag, Tenant  # noqa: E402
from tests.harness.faults import sabotage, scenarios  # noqa: E402, F401
from tests.harness.faults.entry_catalogue import LEDGER, TENANT  # noqa: E402

MESSAGE: Final = 65_536


def prepare() -> None:
    """Fill the template database, compile its release, and close every connection: none may be shared with a fork."""
    call_command("migrate", verbosity=0)
    release = releases.publish(load(LEDGER), actor_id="test")
    Tenant.objects.create(code=TENANT, name="Ledger Brokers", catalogue=TENANT)
    Flag.objects.create(name=COPIES, everyone=True)
    releases.get(release.id)
    for path in sorted(Path(__file__).parent.glob("*_trials.py")):
        # Otherwise each trial would import its work anew, which takes longer than most of them.
        importlib.import_module(f"{__package__}.{path.stem}")
    connections.close_all()
    get_redis_connection("default").connection_pool.disconnect()
    caches.close_all()
    gc.freeze()


def serve(control: socket.socket) -> None:
    """Serve requests until the other end is closed."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE, 1)
        if not message:
            return
        order = json.loads(message)
        if "reap" in order:
            answer = os.waitpid(order["reap"], 0)[1]
        else:
            answer = os.fork()
            if answer == 0:
                control.close()
                run(order, descriptors[0])
            os.close(descriptors[0])
        control.send(json.dumps(answer).encode())


def run(order: dict[str, Any], pipe: int) -> None:
    """Run one trial: do the requested work, report its result, and exit without cleanup."""

    def report(**told: object) -> None:
        # One write, so that a report is read completely or not at all.
        os.write(pipe, json.dumps(told, default=str).encode() + b"\n")

    # Not even a stopped trial outlives this process.
    end_with_parent(signal.SIGKILL)
    try:
        for alias in connections:
            connections[alias].settings_dict.update(order["database"])
        for alias, name in order["tenant_databases"].items():
            connections.databases[alias] = {**connections.databases["default"], **order["database"], "NAME": name}
        sabotage.apply(order["sabotage"])
        if order["clock_hours"]:
            time_machine.travel(datetime.now(UTC) + timedelta(hours=order["clock_hours"]), tick=True).start()
        module, _, name = order["work"].partition(":")
        do: Callable[..., None] = getattr(importlib.import_module(module), name)
        do(report, **order["arguments"])
    except Exception as error:  # noqa: BLE001 - the test looks at what came
        report(error=type(error).__name__, text=str(error)[:300])
    finally:
        os._exit(0)


if __name__ == "__main__":
    prepare()
    with socket.socket(fileno=int(sys.argv[1])) as end:
        end.send(b"ready")
        serve(end)
