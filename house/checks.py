"""`make test`, `make lint`, `make format` and `make bench`: the checks of the project, on throw-away servers."""

import base64
import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from house.environment import product_environment
from house.errors import HouseError
from house.leftovers import Leftovers
from house.migration_digests import schema_digest
from house.packages import BENCH, DEV, SERVERS, ensure_packages
from house.place import CHECKOUT, PYTHON, RUN, locked
from house.servers import MIGRATED, TENANT_MIGRATED, Instance
from house.static_files import collect_plainly
from house.supervisor import Supervisor, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = "there is no Chromium here"
TEST_PREFIX = "test-"
TEMPLATE_PREFIX = "template-"
BROWSER_CODE = ("static", "tests/browser_code")
# One worker more than cores, because tests with servers wait for half of their time; with still more of them, tests of
# time limits fail. Work stealing keeps a module, and its server, in one worker.
PARALLEL = ("-n", str(min(8, (os.cpu_count() or 2) + 1)), "--dist", "worksteal")

Checks = Mapping[str, Sequence[str | Path]]

FORMAT: Checks = {
    "fixes": [PYTHON, "-m", "ruff", "check", "--fix", "."],
    "format": [PYTHON, "-m", "ruff", "format", "."],
    "browser code": [PYTHON.with_name("oxfmt"), *BROWSER_CODE],
    "templates": [PYTHON, "-m", "djlint", "--quiet", "--reformat", "templates"],
}
STATIC_CHECKS: Checks = {
    "lint": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "import contract": [PYTHON, "-c", "from importlinter.cli import lint_imports_command as check; check()"],
    "types": [PYTHON, "-m", "mypy"],
    "browser code": [PYTHON.with_name("oxlint"), "--deny-warnings", *BROWSER_CODE],
    "browser code format": [PYTHON.with_name("oxfmt"), "--check", *BROWSER_CODE],
    "templates": [PYTHON, "-m", "djlint", "--quiet", "--lint", "templates"],
    "template format": [PYTHON, "-m", "djlint", "--quiet", "--check", "templates"],
}
MIGRATIONS_CHECK: Checks = {"migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]}
DEPLOYMENT_CHECK: Checks = {
    "deployment check": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
}


def test(arguments: Sequence[str], *, is_full: bool) -> int:
    """Run all checks in parallel with the tests; with `arguments` (for pytest) only tests. Return 0 when all pass.

    `is_full` adds the tests marked slow and fault.
    """
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV, SERVERS)
        # From here on: a browser that is installed and databases that migrate leave most of the machine idle.
        checks = {} if arguments else STATIC_CHECKS
        with _beside(supervisor, checks, product_environment({})) as failed_checks:
            browser = _browser(supervisor)
            template = migrated_template(supervisor)
            failed = _run_tests(arguments, is_full=is_full, browser=browser, template=template)
        return _report([*failed, *failed_checks])


def _run_tests(arguments: Sequence[str], *, is_full: bool, browser: str | None, template: Instance | None) -> list[str]:
    """Run the tests, and in parallel the checks that need a server; with `arguments` only these tests. Return the names
    of what failed.
    """
    marks = [*([] if is_full else ["not slow", "not fault"]), *([] if browser else ["not browser"])]
    pytest: list[str | Path] = [PYTHON, "-m", "pytest"]
    with throw_away_servers(template=template) as (supervisor, environment):
        environment |= {"CHROMIUM": browser} if browser else {}
        # Properties and corpora try more in the full tier (tests/harness/tiers.py).
        environment |= {"TEST_TIER": "full" if is_full else "quick"}
        if arguments:
            command = [*pytest, *(["-m", " and ".join(marks)] if marks else []), *arguments]
            failed = _run_checks(supervisor, {"tests": command}, environment)
        else:
            with (
                _beside(supervisor, MIGRATIONS_CHECK, environment) as failed,
                tempfile.TemporaryDirectory() as static,
                _beside(
                    supervisor, DEPLOYMENT_CHECK, _production_environment(environment, static)
                ) as failed_deployment,
            ):
                failed += _run_checks(
                    supervisor,
                    {"tests": [*pytest, "-m", " and ".join([*marks, "not alone"]), *PARALLEL]},
                    environment,
                )
            if is_full:
                # Not beside other checks or tests, which would change the times that these compare.
                failed += _run_checks(
                    supervisor, {"tests alone": [*pytest, "-m", " and ".join([*marks, "alone"])]}, environment
                )
            failed += failed_deployment
        if browser is None:
            say(
                "Browser tests did not run: there is no Chromium here (on Debian and Ubuntu: apt-get install chromium)."
            )
    return failed


def screenshots(arguments: Sequence[str]) -> int:
    """Take the pictures of docs/screenshots by the browser tests, which check each page by axe too; return 0 when all
    pass.
    """
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV, SERVERS)
        browser = _browser(supervisor)
        template = migrated_template(supervisor)
    if browser is None:
        raise HouseError("Pictures need Chromium (on Debian and Ubuntu: apt-get install chromium).")
    with throw_away_servers(template=template) as (supervisor, environment):
        environment |= {"CHROMIUM": browser, "TEST_TIER": "full", "SCREENSHOTS": "1"}
        command: list[str | Path] = [PYTHON, "-m", "pytest", "-m", "browser", *(arguments or ["tests/browser"])]
        return _report(_run_checks(supervisor, {"screenshots": command}, environment))


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks against throw-away servers with the durability of real ones; return their exit status."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, BENCH, SERVERS)
    with throw_away_servers(is_durable=True) as (supervisor, environment):
        return supervisor.run([PYTHON, "-m", "benchmarks", *arguments], environment=environment, folder=CHECKOUT)


def lint() -> int:
    """Run the checks that need no server; return 0 when all pass."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV)
        with _beside(supervisor, STATIC_CHECKS, product_environment({})) as failed:
            pass
        return _report(failed)


def format_code() -> int:
    """Fix and format the code; return 1 when a formatter fails."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV)
        failed = _run_checks(supervisor, FORMAT, product_environment({}))
        return 1 if set(failed) - {"fixes"} else 0


def _run_checks(supervisor: Supervisor, checks: Checks, environment: Mapping[str, str]) -> list[str]:
    """Run one check after the other, also after a failure; return the names of those that failed."""
    failed = []
    for name, command in checks.items():
        say(f"--- {name}")
        if supervisor.run(command, environment=environment, folder=CHECKOUT) != 0:
            failed.append(name)
    return failed


@contextlib.contextmanager
def _beside(supervisor: Supervisor, checks: Checks, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Run the checks in parallel with the block; show their output after it and add the names of those that failed."""
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder, name) for name in checks}
        children = {
            name: supervisor.start(
                name, command, environment=environment, folder=CHECKOUT, log=logs[name], is_step=True
            )
            for name, command in checks.items()
        }
        yield failed
        for name, child in children.items():
            status = supervisor.wait_for(child)
            say(f"--- {name}\n{logs[name].read_text(encoding='utf-8', errors='replace').rstrip()}")
            if status != 0:
                failed.append(name)


def _report(failed: Sequence[str]) -> int:
    say(f"--- failed: {', '.join(failed)}" if failed else "--- all passed")
    return 1 if failed else 0


def _production_environment(environment: Mapping[str, str], static: str) -> dict[str, str]:
    """Return an environment that a careful operator would set, with static files in `static`."""
    collect_plainly(Path(static))
    return {
        **{name: value for name, value in environment.items() if name not in ("DEBUG", "DEMO")},
        "STATIC_ROOT": static,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "partner-engine.example",
        "CSRF_TRUSTED_ORIGINS": "https://partner-engine.example",
        "TRUSTED_PROXIES": "1",
        "PUBLIC_URL": "https://partner-engine.example",
        "KEYRING": json.dumps({"check": base64.b64encode(secrets.token_bytes(32)).decode()}),
    }


@contextlib.contextmanager
def throw_away_servers(
    *, is_durable: bool = False, template: Instance | None = None
) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """Yield a supervisor and the environment of new servers, which are deleted after the block.

    TEST_DATABASE_URL and TEST_REDIS_URL name others; DATABASE_URL and REDIS_URL are never used, because tests empty
    their servers.
    """
    environment = product_environment({})
    environment.pop("DEMO", None)
    urls = {name: environment.get(f"TEST_{name}") for name in ("DATABASE_URL", "REDIS_URL")}
    environment |= {name: url for name, url in urls.items() if url}
    _delete_abandoned_servers()
    # One name per process, so that several test runs may run at once; the lock shows which of them are alive.
    name = f"{TEST_PREFIX}{os.getpid()}"
    with locked(RUN / f"{name}.lock", wait=True):
        instance = Instance(name, is_durable=is_durable, template=template)
        try:
            with Supervisor(record=Leftovers(instance.folder / "processes.json")) as supervisor:
                environment |= instance.start(
                    supervisor, database=not urls["DATABASE_URL"], redis=not urls["REDIS_URL"]
                )
                if template is not None:
                    environment |= {"TEST_TEMPLATE": MIGRATED, "TEST_TENANT_TEMPLATE": TENANT_MIGRATED}
                yield supervisor, environment
        finally:
            instance.delete()
            (RUN / f"{name}.lock").unlink(missing_ok=True)


def migrated_template(supervisor: Supervisor) -> Instance | None:
    """Return stopped servers with two migrated databases, the shared one and a tenant's; make them when the migrations
    have changed.

    Tests clone these databases instead of migrating new ones per worker.
    """
    environment = product_environment({})
    if environment.get("TEST_DATABASE_URL"):
        return None
    with locked(RUN / "template.lock", wait=True):
        if finished_template() is None:
            for folder in RUN.glob(f"{TEMPLATE_PREFIX}*/"):
                Instance(folder.name, is_durable=False).delete()
            instance = Instance(_template_name(), is_durable=False)
            urls = instance.start(supervisor, database=True, redis=False)
            server = urls["DATABASE_URL"].rpartition("/")[0]
            environment |= {
                "DATABASE_URL": f"{server}/{MIGRATED}",
                "TENANT_DATABASE_TEMPLATE": f"{server}/{TENANT_MIGRATED}",
            }
            for command in ("migrate", "migrate_tenants"):
                migrate: list[str | Path] = [PYTHON, "manage.py", command, "--verbosity", "0"]
                if supervisor.run(migrate, environment=environment, folder=CHECKOUT) != 0:
                    raise HouseError(f"`manage.py {command}` failed, so no tests were run; its lines above say why.")
            # Checks that run beside this go on.
            supervisor.forget_servers()
            (instance.folder / "finished").touch()
        return finished_template()


def finished_template() -> Instance | None:
    """Return the stopped servers whose database has today's migrations, or None."""
    name = _template_name()
    return Instance(name, is_durable=False) if (RUN / name / "finished").exists() else None


def _template_name() -> str:
    return f"{TEMPLATE_PREFIX}{schema_digest()[:16]}"


def _delete_abandoned_servers() -> None:
    """Stop and delete the servers of killed test runs."""
    for folder in RUN.glob(f"{TEST_PREFIX}*/"):
        lock = RUN / f"{folder.name}.lock"
        with locked(lock, wait=False) as is_abandoned:
            if is_abandoned:
                Leftovers(folder / "processes.json").end_all()
                Instance(folder.name, is_durable=False).delete()
                lock.unlink(missing_ok=True)


def _browser(supervisor: Supervisor) -> str | None:
    """Return the path of a Chromium, or None. In CI install a missing one; raise when that fails."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found or not os.environ.get("CI"):
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Chromium for the browser tests ...")
        environment, log = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, RUN / "chromium.log"
        for arguments in ("update -q", "install -q -y --no-install-recommends chromium"):
            supervisor.run(["apt-get", *arguments.split()], environment=environment, log=log)
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise HouseError(f"CI has to run the browser tests and {NO_CHROMIUM}: install it or name it with CHROMIUM.")
    return found
