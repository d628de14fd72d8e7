"""`make test` and its kin: throw-away servers, then every check of the project, then the tests."""

import base64
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from house.bootstrap import BENCHMARKS, DEVELOPMENT, PRODUCT, SERVERS, ensure_packages
from house.environment import product_environment
from house.errors import HouseError
from house.leftovers import Leftovers
from house.place import CHECKOUT, PYTHON, RUN, locked
from house.servers import Instance
from house.supervisor import Supervisor, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUICK = "not slow and not fault"
BROWSER_CODE = ("static", "tests/browser_code")
TEST_PREFIX = "test-"

Work = Callable[[Supervisor, dict[str, str]], int]


def test(arguments: Sequence[str], *, is_full: bool) -> int:
    """Run all checks and the tests; with `arguments` (for pytest) only the tests. Return 0 when all is well.

    `is_full` adds the tests marked slow and fault.
    """
    with Supervisor() as supervisor:
        ensure_packages(supervisor, files=[PRODUCT, DEVELOPMENT, SERVERS])
        browser = _browser(supervisor)
    return _with_throw_away_servers(
        lambda supervisor, environment: _test(
            supervisor, environment, arguments=arguments, is_full=is_full, browser=browser
        )
    )


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks against throw-away servers with the durability of real ones; return their exit status."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, files=[PRODUCT, SERVERS, BENCHMARKS])
    return _with_throw_away_servers(
        lambda supervisor, environment: supervisor.run(
            [PYTHON, "-m", "benchmarks", *arguments], environment=environment, folder=CHECKOUT
        ),
        is_durable=True,
    )


def lint() -> int:
    """Run the checks that need no server; return 0 when all pass."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, files=[PRODUCT, DEVELOPMENT])
        environment = product_environment({})
        return _report(_run_all(supervisor, _static_checks(), environment))


def format_code() -> int:
    """Bring the code into the project's form; return the worst exit status of the formatters."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, files=[PRODUCT, DEVELOPMENT])
        environment = product_environment({})
        formatters: list[list[str | Path]] = [
            [PYTHON, "-m", "ruff", "check", "--fix", "."],
            [PYTHON, "-m", "ruff", "format", "."],
            [PYTHON.with_name("oxfmt"), *BROWSER_CODE],
            [PYTHON, "-m", "djlint", "--quiet", "--reformat", "templates"],
        ]
        return max(supervisor.run(command, environment=environment, folder=CHECKOUT) for command in formatters)


def _test(
    supervisor: Supervisor,
    environment: dict[str, str],
    *,
    arguments: Sequence[str],
    is_full: bool,
    browser: str | None,
) -> int:
    if browser is not None:
        environment["CHROMIUM"] = browser
    marks = [] if is_full else [QUICK]
    if browser is None:
        marks.append("not browser")
    pytest: list[str | Path] = [PYTHON, "-m", "pytest"]
    if marks:
        pytest += ["-m", " and ".join(marks)]
    failed: list[str] = []
    if not arguments:
        pytest += ["-n", "2"]
        failed += _run_all(supervisor, _static_checks(), environment)
        failed += _run_all(supervisor, _project_checks(), environment)
    failed += _run_all(supervisor, {"tests": [*pytest, *arguments]}, environment)
    if browser is None:
        say("Browser tests did not run: there is no Chromium here (on Debian and Ubuntu: apt-get install chromium).")
    return _report(failed)


def _static_checks() -> dict[str, list[str | Path]]:
    return {
        "lint": [PYTHON, "-m", "ruff", "check", "."],
        "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "import contract": [PYTHON, "-c", "from importlinter.cli import lint_imports_command as check; check()"],
        "types": [PYTHON, "-m", "mypy"],
        **_browser_checks(),
    }


def _browser_checks() -> dict[str, list[str | Path]]:
    """Return the checks of what browsers read: JavaScript, style sheets and templates."""
    return {
        "browser code": [PYTHON.with_name("oxlint"), "--deny-warnings", *BROWSER_CODE],
        "browser code format": [PYTHON.with_name("oxfmt"), "--check", *BROWSER_CODE],
        "templates": [PYTHON, "-m", "djlint", "--quiet", "--lint", "templates"],
        "template format": [PYTHON, "-m", "djlint", "--quiet", "--check", "templates"],
    }


def _project_checks() -> dict[str, list[str | Path]]:
    return {
        "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "deployment check": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    }


def _run_all(
    supervisor: Supervisor, steps: Mapping[str, Sequence[str | Path]], environment: Mapping[str, str]
) -> list[str]:
    """Run every step, also after a failed one, to show all there is to mend; return the names that failed."""
    failed = []
    for name, command in steps.items():
        say(f"--- {name}")
        own = _as_in_production(environment) if name == "deployment check" else environment
        if supervisor.run(command, environment=own, folder=CHECKOUT) != 0:
            failed.append(name)
    return failed


def _report(failed: Sequence[str]) -> int:
    say(f"--- failed: {', '.join(failed)}" if failed else "--- all passed")
    return 1 if failed else 0


def _as_in_production(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment such as a careful operator would set, for the deployment check."""
    return {
        **environment,
        "DEBUG": "0",
        "DEMO": "0",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "partner-engine.example",
        "CSRF_TRUSTED_ORIGINS": "https://partner-engine.example",
        "TRUSTED_PROXIES": "1",
        "KEYRING": json.dumps({"check": base64.b64encode(secrets.token_bytes(32)).decode()}),
    }


def _with_throw_away_servers(work: Work, *, is_durable: bool = False) -> int:
    """Give `work` servers of its own, and delete them afterwards; TEST_DATABASE_URL and TEST_REDIS_URL name others.

    DATABASE_URL and REDIS_URL are not used: tests empty what they are given.
    """
    environment = product_environment({})
    environment.pop("DEMO", None)
    given = {name: environment.get(f"TEST_{name}") for name in ("DATABASE_URL", "REDIS_URL")}
    environment |= {name: url for name, url in given.items() if url}
    _sweep()
    # One name per process, so that several test runs can go on at once; the lock tells a living one from a dead one.
    name = f"{TEST_PREFIX}{os.getpid()}"
    with locked(RUN / f"{name}.lock", wait=True):
        instance = Instance(name, is_durable=is_durable)
        try:
            with Supervisor(record=Leftovers(instance.folder / "processes.json")) as supervisor:
                needs_database, needs_redis = not given["DATABASE_URL"], not given["REDIS_URL"]
                environment |= instance.start(supervisor, database=needs_database, redis=needs_redis)
                return work(supervisor, environment)
        finally:
            instance.delete()
            (RUN / f"{name}.lock").unlink(missing_ok=True)


def _sweep() -> None:
    """Stop and delete what killed test runs left behind."""
    for folder in RUN.glob(f"{TEST_PREFIX}*/"):
        lock = RUN / f"{folder.name}.lock"
        with locked(lock, wait=False) as is_abandoned:
            if is_abandoned:
                Leftovers(folder / "processes.json").end_all()
                Instance(folder.name, is_durable=False).delete()
                lock.unlink(missing_ok=True)


def _browser(supervisor: Supervisor) -> str | None:
    """Return the path of a Chromium, or None. In CI install a missing one, and raise when that fails."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found or not os.environ.get("CI"):
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Chromium for the browser tests ...")
        log = RUN / "chromium.log"
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        supervisor.run(["apt-get", "update", "-q"], environment=environment, log=log)
        supervisor.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], environment=environment, log=log
        )
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise HouseError(
            "CI has to run the browser tests and there is no Chromium: install it or name it with CHROMIUM."
        )
    return found
