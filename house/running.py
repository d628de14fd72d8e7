"""`make run`: from nothing to the product with demo data, and back to nothing on Ctrl-C."""

import errno
import http.client
import os
import shutil
import socket
import sys
from pathlib import Path

from house.bootstrap import PRODUCT, SERVERS, ensure_packages
from house.demo_sign_ins import shown
from house.environment import product_environment
from house.errors import HouseError, Stopped
from house.leftovers import Leftovers
from house.migrated import note_migrations, refuse_rewritten_migrations
from house.place import CHECKOUT, PYTHON, RUN, locked
from house.servers import Instance
from house.supervisor import Child, Supervisor, say

DEFAULT_PORT = 8000
#: Where mails are written, unless EMAIL_URL names a server.
MAILS = RUN / "run" / "mail"
#: Where the programs count, so that /metrics tells of all of them.
COUNTS = RUN / "run" / "metrics"
SECONDS_TO_ANSWER = 90.0


def run() -> int:
    """Start everything, stay until a signal comes, stop everything; return 0 after an ordinary end."""
    own = {"EMAIL_URL": f"filemail:///{MAILS}", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128"}
    environment = product_environment({"DEMO": "1", **own})
    host = environment.get("HOST") or "127.0.0.1"
    port = _port(environment)
    with locked(RUN / "run.lock", wait=False) as is_ours:
        if not is_ours:
            raise HouseError("Partner Engine already runs from this folder: use that, or stop it with Ctrl-C there.")
        instance_folder = RUN / "run"
        instance_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        leftovers = Leftovers(instance_folder / "processes.json")
        if leftovers.end_all():
            say("Ended what an earlier start had left behind.")
        _refuse_taken_port(host, port)
        try:
            with Supervisor(record=leftovers) as supervisor:
                _start(supervisor, environment=environment, host=host, port=port)
                supervisor.watch()
        except Stopped:
            say("\nStopped.")
    return 0


def _start(supervisor: Supervisor, *, environment: dict[str, str], host: str, port: int) -> None:
    needs_database, needs_redis = (not environment.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
    ensure_packages(supervisor, files=[PRODUCT, SERVERS] if needs_database or needs_redis else [PRODUCT])
    if needs_database or needs_redis:
        say("Starting " + " and ".join(["PostgreSQL"] * needs_database + ["Redis"] * needs_redis) + " ...")
        instance = Instance("run", is_durable=True)
        if needs_database:
            refuse_rewritten_migrations(instance.folder)
        urls = instance.start(supervisor, database=needs_database, redis=needs_redis)
        environment |= urls
        _note(instance.folder / "environment.sh", urls)
    _manage(supervisor, environment, "migrate", "--no-input", "--verbosity", "0")
    if needs_database:
        note_migrations(RUN / "run")
    if any(name.startswith("TENANT_DATABASE_") for name in environment):
        _manage(supervisor, environment, "migrate_tenants")
    if environment["DEMO"] == "1":
        say("Loading the demo data ...")
        # Its own sentence is enough on the screen.
        _manage(supervisor, {"LOG_LEVEL": "WARNING", **environment}, "seed_demo")
    web = _start_programs(supervisor, environment, host=host, port=port)
    shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    if not supervisor.wait_until(lambda: _is_ready(shown_host, port), seconds=SECONDS_TO_ANSWER, child=web):
        if web.process.poll() is not None:
            supervisor.pump(0.3)
            raise HouseError("The web server ended at once, so everything was stopped; its lines above say why.")
        raise HouseError(f"The web server did not get ready in {SECONDS_TO_ANSWER:.0f} s: {_answer(shown_host, port)}.")
    _greet(
        f"http://{shown_host}:{port}",
        is_demo=environment["DEMO"] == "1",
        has_mail_folder=environment["EMAIL_URL"].startswith("filemail:"),
    )


def _start_programs(supervisor: Supervisor, environment: dict[str, str], *, host: str, port: int) -> Child:
    """Start web, relay, worker and beat; return the web server."""
    shutil.rmtree(COUNTS, ignore_errors=True)
    COUNTS.mkdir()
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(COUNTS), **environment}
    # On one's own machine root may well run the worker; Celery's long warning would hide the addresses.
    as_root = "ignore:You're running the worker"
    celery: list[str | Path] = [PYTHON, "-W", as_root, "-m", "celery", "--quiet", "-A", "partner_engine"]
    commands: dict[str, list[str | Path]] = {
        "web": [
            *(PYTHON, "-m", "uvicorn", "partner_engine.asgi:application", "--host", host, "--port", str(port)),
            # Who a caller is decides the product, by TRUSTED_PROXIES; the server would believe anybody on this machine.
            *("--no-proxy-headers", "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "5"),
            # Clients of sockets only ask and point; what they are told is small, and compressing it costs each of them.
            *("--ws-max-size", "65536", "--ws-per-message-deflate", "false"),
        ],
        "relay": [PYTHON, "manage.py", "relay"],
        "worker": [
            *celery,
            "worker",
            "--loglevel",
            "warning",
            "--concurrency",
            "2",
            "--without-mingle",
            "--without-gossip",
        ],
        "beat": [*celery, "beat", "--loglevel", "warning", "--schedule", RUN / "run" / "beat-schedule"],
    }
    children = {
        name: supervisor.start(name, command, environment=environment, folder=CHECKOUT)
        for name, command in commands.items()
    }
    return children["web"]


def _manage(supervisor: Supervisor, environment: dict[str, str], *arguments: str) -> None:
    status = supervisor.run([PYTHON, "manage.py", *arguments], environment=environment, folder=CHECKOUT)
    if status != 0:
        raise HouseError(f"`manage.py {arguments[0]}` failed, so nothing was started; its lines above say why.")


def _port(environment: dict[str, str]) -> int:
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise HouseError(f"PORT must be a number from 1 to 65535, not {text!r}: make run PORT={DEFAULT_PORT}.")
    return int(text)


def _refuse_taken_port(host: str, port: int) -> None:
    """Raise when the port cannot be had, before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                free = port + 1 if port < 65535 else DEFAULT_PORT
                reason = f"Port {port} is taken by another program; choose another one: make run PORT={free}."
            elif error.errno == errno.EACCES:
                reason = f"Port {port} is reserved for root; choose one above 1023: make run PORT={DEFAULT_PORT}."
            else:
                reason = f"{host}:{port} cannot be used ({error.strerror or error}): choose another HOST or PORT."
            raise HouseError(reason) from None


def _is_ready(host: str, port: int) -> bool:
    return _answer(host, port).startswith("200 ")


def _answer(host: str, port: int) -> str:
    """Return status and beginning of what /readyz says, or why it says nothing."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return f"{response.status} {response.read(300).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        connection.close()


def _note(path: Path, urls: dict[str, str]) -> None:
    """Write the URLs down for `manage.py` in another terminal."""
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}='{url}'\n" for name, url in urls.items()), encoding="utf-8")


def _greet(address: str, *, is_demo: bool, has_mail_folder: bool) -> None:
    say(f"\nPartner Engine runs at {address}/")
    say(f"API          {address}/api/v1/docs/")
    if has_mail_folder:
        say(f"Mails        {MAILS}")
    if is_demo:
        say(shown(address))
    say("Ctrl-C stops it." if sys.stdout.isatty() or os.environ.get("MAKELEVEL") else "SIGTERM stops it.")
