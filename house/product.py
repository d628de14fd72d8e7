"""`make run`: start the product with demo data from nothing, and stop everything on Ctrl-C."""

import errno
import http.client
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path

from house.demo_sign_ins import sign_in_lines
from house.environment import product_environment
from house.errors import HouseError, Stopped
from house.leftovers import Leftovers
from house.migration_digests import refuse_rewritten_migrations, store_migrations
from house.packages import DEMO, SERVERS, ensure_packages
from house.place import CHECKOUT, PYTHON, RUN, locked
from house.servers import Instance, usable_port
from house.supervisor import Supervisor, say

DEFAULT_PORT = 8000
TO_SIMULATOR = 1000
"""The distance from the product's port to the port of the carrier simulator, if that is free."""
FOLDER = RUN / "run"
MAILS = FOLDER / "mail"
"""Folder of mails, unless EMAIL_URL names a server."""
METRICS = FOLDER / "metrics"
"""Folder in which all programs count, so that /metrics covers all of them."""
SECONDS_TO_BE_READY = 90.0

CELERY = '-W "ignore:You\'re running the worker" -m celery --quiet -A partner_engine'
"""Celery without its long warning about root, which would hide the addresses."""
PROGRAMS = {
    # The product identifies callers by TRUSTED_PROXIES; the server's own rule would trust this whole machine.
    # Messages of sockets are small, and compression costs memory per connection. Not partner_engine.web_server as in
    # production: without a proxy, its stop would only wait for idle connections of browsers.
    "web": "-m uvicorn partner_engine.asgi:application --host {host} --port {port} --no-proxy-headers --no-access-log "
    "--log-level warning --timeout-graceful-shutdown 5 --timeout-keep-alive 75 --ws-max-size 65536 "
    "--ws-per-message-deflate false",
    "carriers": "-m uvicorn --factory carriers.simulator.app:create_app --host 127.0.0.1 --port {simulator_port} "
    "--no-access-log --log-level warning --timeout-graceful-shutdown 1",
    "relay": "manage.py relay",
    "worker": f"{CELERY} worker --loglevel warning --concurrency 2 --without-mingle --without-gossip",
    "beat": f"{CELERY} beat --loglevel warning --schedule .run/run/beat-schedule",
}


def run() -> int:
    """Start everything, wait for a signal, stop everything; return 0 after an ordinary end."""
    allowed = dict.fromkeys(("WEBHOOK_ALLOWED_NETWORKS", "CARRIER_ALLOWED_NETWORKS"), "127.0.0.0/8,::1/128")
    own = {"EMAIL_URL": f"filemail:///{MAILS}", **allowed}
    environment = product_environment({"DEMO": "1", **own})
    host, port = environment.get("HOST") or "127.0.0.1", _port(environment)
    simulator_port = None
    if environment["DEMO"] == "1" and not environment.get("CARRIER_SIMULATOR_URL"):
        simulator_port = usable_port(port + TO_SIMULATOR if port + TO_SIMULATOR <= 65535 else port - TO_SIMULATOR)
        environment["CARRIER_SIMULATOR_URL"] = f"http://127.0.0.1:{simulator_port}"
    # Carriers call back here; the simulator runs on this machine.
    environment.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    with locked(RUN / "run.lock", wait=False) as is_ours:
        if not is_ours:
            raise HouseError("Partner Engine already runs from this folder: use that, or stop it with Ctrl-C there.")
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        leftovers = Leftovers(FOLDER / "processes.json")
        if leftovers.end_all():
            say("Ended what an earlier start had left behind.")
        _refuse_taken_port(host, port)
        try:
            with Supervisor(record=leftovers) as supervisor:
                _prepare(supervisor, environment)
                _start_programs(supervisor, environment, host=host, port=port, simulator_port=simulator_port)
                supervisor.watch()
        except Stopped:
            say("\nStopped.")
    return 0


def _prepare(supervisor: Supervisor, environment: dict[str, str]) -> None:
    """Install packages, start the servers, migrate the database and load the demo data."""
    needs_database, needs_redis = (not environment.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
    needs_servers = needs_database or needs_redis
    ensure_packages(supervisor, DEMO, *[SERVERS] * needs_servers)
    if needs_servers:
        say("Starting " + " and ".join(["PostgreSQL"] * needs_database + ["Redis"] * needs_redis) + " ...")
        instance = Instance(FOLDER.name, is_durable=True)
        if needs_database:
            refuse_rewritten_migrations(FOLDER)
        urls = instance.start(supervisor, database=needs_database, redis=needs_redis)
        environment |= urls
        # For `manage.py` in another terminal.
        script = FOLDER / "environment.sh"
        script.touch(mode=0o600)
        exported = {"DEBUG": environment["DEBUG"], **urls}
        script.write_text("".join(f"export {name}='{value}'\n" for name, value in exported.items()), encoding="utf-8")
    _manage(supervisor, environment, "migrate", "--no-input", "--verbosity", "0")
    if needs_database:
        store_migrations(FOLDER)
    if any(name.startswith("TENANT_DATABASE_") for name in environment):
        _manage(supervisor, environment, "migrate_tenants")
    if environment["DEMO"] == "1":
        say("Loading the demo data ...")
        _manage(supervisor, {"LOG_LEVEL": "WARNING", **environment}, "seed_demo")


def _start_programs(
    supervisor: Supervisor, environment: dict[str, str], *, host: str, port: int, simulator_port: int | None
) -> None:
    """Start web, carrier simulator, relay, worker and beat; print the addresses when the web server is ready."""
    shutil.rmtree(METRICS, ignore_errors=True)
    METRICS.mkdir()
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(METRICS), **environment}
    children = {}
    lines = {name: line for name, line in PROGRAMS.items() if name != "carriers" or simulator_port is not None}
    for name, line in lines.items():
        filled = line.format(host=host, port=port, simulator_port=simulator_port)
        command: list[str | Path] = [PYTHON, *shlex.split(filled)]
        # Without its worker, beat or relay the product goes on; without its web server there is nothing to keep.
        start = supervisor.start if name == "web" else supervisor.keep
        children[name] = start(name, command, environment=environment, folder=CHECKOUT)
    web = children["web"]
    shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    is_ready = lambda: _readiness(shown_host, port).startswith("200 ")  # noqa: E731
    if not supervisor.wait_until(is_ready, seconds=SECONDS_TO_BE_READY, child=web):
        if web.process.poll() is not None:
            supervisor.pump(0.3)
            raise HouseError("The web server ended at once, so everything was stopped; its lines above say why.")
        reason = _readiness(shown_host, port)
        raise HouseError(f"The web server did not get ready in {SECONDS_TO_BE_READY:.0f} s: {reason}.")
    address = f"http://{shown_host}:{port}"
    say(f"\nPartner Engine runs at {address}/")
    say(f"API          {address}/api/v1/docs/")
    if simulator_port is not None:
        say(f"Carriers     {environment['CARRIER_SIMULATOR_URL']}/ (simulated; Owl Hollow waits for you at /desk/OH)")
    if environment["EMAIL_URL"].startswith("filemail:"):
        say(f"Mails        {MAILS}")
    if environment["DEMO"] == "1":
        say(sign_in_lines(address))
    say("Ctrl-C stops it." if sys.stdout.isatty() or os.environ.get("MAKELEVEL") else "SIGTERM stops it.")


def _manage(supervisor: Supervisor, environment: dict[str, str], *arguments: str) -> None:
    if supervisor.run([PYTHON, "manage.py", *arguments], environment=environment, folder=CHECKOUT) != 0:
        raise HouseError(f"`manage.py {arguments[0]}` failed, so nothing was started; its lines above say why.")


def _port(environment: dict[str, str]) -> int:
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise HouseError(f"PORT must be a number from 1 to 65535, not {text!r}: make run PORT={DEFAULT_PORT}.")
    return int(text)


def _refuse_taken_port(host: str, port: int) -> None:
    """Raise when the port is not available, before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            free = port + 1 if port < 65535 else DEFAULT_PORT
            reasons = {
                errno.EADDRINUSE: f"Port {port} is taken by another program; choose another one: make run PORT={free}.",
                errno.EACCES: f"Port {port} is reserved for root; choose one above 1023: make run PORT={DEFAULT_PORT}.",
            }
            other = f"{host}:{port} cannot be used ({error.strerror or error}): choose another HOST or PORT."
            raise HouseError(reasons.get(error.errno or 0, other)) from None


def _readiness(host: str, port: int) -> str:
    """Return the status and beginning of the response of /readyz, or the reason why it is missing."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return f"{response.status} {response.read(300).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"no response ({error})"
    finally:
        connection.close()
