"""The fixtures of all tests: a second real database, servers' names per test process, and the named cast.

``harbor`` and ``summit`` are tenants of the shared database; ``owner`` and ``member`` work at harbor, ``stranger`` at
summit, ``staff`` nowhere. ``summit_apart`` is a tenant with a database of its own; tests with it say
``@pytest.mark.django_db(databases=["default", "summit_db"])``. ``demo`` is the demo catalogue's release, which both ask
by.
"""

from __future__ import annotations

import copy
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Final

import msgspec
import pytest
import zstandard
from django.conf import settings
from django.db import connections, transaction
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from pytest_django import Settings

from batch.storage import own_transaction
from catalogue.demo import CATALOGUE_FILE, Sample, read_samples
from catalogue.files import read_catalogue
from catalogue.models import Catalogue, Release
from long_running import collect_rarely
from tenants.access import Role
from tenants.current_actor import use_actor
from tenants.current_tenant import without_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.models import ApiClient, Flag, RateLimit, Tenant, User, every_right
from tests.harness import page_contexts, quick_flush, unhurried_databases
from tests.harness.carrier_links import MemoryLog
from tests.harness.carrier_simulator import carrier_simulator, started_simulator  # noqa: F401 - fixtures
from tests.harness.cast import DEMO, DEMO_RELEASE, PASSWORD, PROCESS, SECOND_DATABASE
from tests.harness.shared_rewriting import rewrite_own_part
from tests.harness.tiers import IS_FULL
from tests.harness.undone import forget_keys
from tests.harness.web_servers import web_server  # noqa: F401 - fixture

#: The fixtures that start a program once in a test process.
_PROGRAMS: Final = ("web_server", "servers", "started_simulator", "receiver")


def pytest_configure() -> None:
    """Add the second database, clone both from a migrated one where there is one, keep processes apart in Redis."""
    if not settings.DEVELOPMENT:
        raise pytest.UsageError("The tests need DEBUG=1: run them by `make test` (docs/running.md).")
    if "TEST_TEMPLATE" in os.environ:
        settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = os.environ["TEST_TEMPLATE"]
    for database in settings.DATABASES.values():
        # A test's own transaction waits for as long as a busy machine takes for what is between two statements.
        database["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=600000"
    if SECOND_DATABASE not in settings.DATABASES:
        second = copy.deepcopy(settings.DATABASES["default"])
        second["NAME"] = f"{second['NAME']}_{SECOND_DATABASE}"
        second["TEST"] = {**second.get("TEST", {}), "NAME": f"test_{second['NAME']}"}
        if "TEST_TENANT_TEMPLATE" in os.environ:
            second["TEST"]["TEMPLATE"] = os.environ["TEST_TENANT_TEMPLATE"]
        settings.DATABASES[SECOND_DATABASE] = second
    for cache in settings.CACHES.values():
        cache["KEY_PREFIX"] = f"{cache['KEY_PREFIX']}:{PROCESS}"
    settings.LOCK_PREFIX = f"{settings.LOCK_PREFIX}:{PROCESS}"
    settings.CARRIERS = replace(settings.CARRIERS, allowed_networks=("127.0.0.0/8",))
    own_transaction.is_enclosed = _is_enclosed
    own_transaction.begin = _begin
    quick_flush.install()
    page_contexts.install()
    unhurried_databases.install()
    _choose_examples()
    # Also for servers that tests start. Tests of limits switch them on for themselves.
    os.environ["RATE_LIMIT_FACTOR"] = "0"
    settings.RATE_LIMIT_FACTOR = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Rewrite the asserts of a part of the files, before all of them are collected. Garbage is collected only after
    that: it would take a sixth of the time.
    """
    if hasattr(session.config, "workerinput") or session.config.getoption("dist", "no") == "no":
        gc.disable()
    rewrite_own_part(session.config)


def pytest_collection_finish() -> None:
    """Leave what collecting has made out of later garbage collections, because it lives as long as the process, and let
    them be rarer: at Python's thresholds they take a tenth of the tests' time.
    """
    collect_rarely()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse quick tests that need the machine for themselves: `make test` runs all of its tests beside others.

    Those with a program that serves all tests of a process come first, and stay in their random order otherwise:
    parallel processes begin with equal parts of the list, so that few of them start the program.
    """
    quick = [
        item.nodeid
        for item in items
        if "alone" in (marks := {mark.name for mark in item.iter_markers()}) and not marks & {"slow", "fault"}
    ]
    if quick:
        raise pytest.UsageError(f"Mark tests that run alone slow too, or let them wait for conditions: {quick}")
    items.sort(key=_program_of)


def _program_of(item: pytest.Item) -> int:
    """Return the place of the test's program in ``_PROGRAMS``, and their number for a test without one."""
    names: list[str] = getattr(item, "fixturenames", [])
    return next((place for place, name in enumerate(_PROGRAMS) if name in names), len(_PROGRAMS))


def _choose_examples() -> None:
    """Let Hypothesis measure no time, and the quick tier try the same few examples in every run."""
    timeless = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    hypothesis.register_profile("full", **timeless)
    hypothesis.register_profile("quick", max_examples=40, derandomize=True, database=None, **timeless)
    hypothesis.load_profile("full" if IS_FULL else "quick")


def _is_enclosed(alias: str) -> bool:
    """Return whether a transaction is open besides the one that pytest-django puts around a test."""
    blocks = connections[alias].atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase


def _begin(alias: str, *, is_alone: bool = True) -> AbstractContextManager[object]:
    """Return a savepoint inside a test's transaction: the save can fail without the test's other rows."""
    is_inside = connections[alias].in_atomic_block
    return transaction.atomic(using=alias) if is_inside or not is_alone else nullcontext()


@pytest.fixture(autouse=True)
def no_tenant_to_begin_with() -> Iterator[None]:
    """Start each test without a current tenant or actor, and end it without one."""
    with without_tenant(), use_actor(None):
        yield


@pytest.fixture(autouse=True)
def claimed_rows_are_kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the relay keep the rows that wait behind a slow action: the thread that returns them does not see those of a
    test's transaction, so that on a busy machine they would be neither run nor returned.
    """
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and not marker.kwargs.get("transaction"):
        monkeypatch.setattr("actions.lease.PATIENCE", 600.0)


@pytest.fixture(autouse=True)
def carrier_traffic(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """Keep the traffic log of carriers in memory: its thread would write outside of the test's transaction."""
    log = MemoryLog()
    monkeypatch.setattr("carriers.links.traffic.traffic_log", lambda: log)
    return log


@pytest.fixture(autouse=True)
def copies_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn all flags on for everyone. Tests of flags use ``stored_flags`` instead."""
    known = {name: FlagState(name=name, everyone=True) for name in FLAGS}
    monkeypatch.setattr(Flag, "memory", FlagMemory(lambda: known))


@pytest.fixture(autouse=True)
def default_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the default limits without a query. Tests of limits replace the memory."""
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(StoredLimits))


@pytest.fixture
def limits_on(settings: Settings) -> None:
    """Switch the rate limits on, with their default numbers."""
    settings.RATE_LIMIT_FACTOR = 1


@pytest.fixture
def stored_flags(copies_are_on: None, monkeypatch: pytest.MonkeyPatch) -> FlagMemory:
    """Use the flags that are stored in the database, as they are at each call."""
    memory = FlagMemory(Flag.read_states)
    monkeypatch.setattr(Flag, "memory", memory)
    monkeypatch.setattr("tenants.flag_memory.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("tenants.flag_memory.TRUSTED_SECONDS", 0.0)
    return memory


@pytest.fixture(autouse=True)
def nothing_left_in_redis(request: pytest.FixtureRequest) -> Iterator[None]:
    """Delete the test's keys from Redis, and none of other test processes."""
    yield
    uses_database = request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & {*request.fixturenames}
    if uses_database:
        forget_keys()


@pytest.fixture(scope="session")
def demo_content() -> bytes:
    """Return the demo catalogue as the content of a release."""
    return zstandard.compress(msgspec.json.encode(read_catalogue(CATALOGUE_FILE)))


@pytest.fixture
def demo(db: None, demo_content: bytes) -> Release:
    """Return the demo catalogue's release, current and without a draft, because loading a draft takes longer than most
    tests.
    """
    catalogue = Catalogue.objects.create(code=DEMO, title="Demo small commercial")
    return Release.objects.create(
        id=DEMO_RELEASE, catalogue=catalogue, number=1, content=demo_content, checksum="0", published_by_id="test"
    )


@pytest.fixture(scope="session")
def samples() -> dict[str, Sample]:
    """Return the demo's samples and their further copies by id; ``S1`` is the restaurant."""
    return {sample.id: sample for sample in read_samples()}


@pytest.fixture
def s1(samples: dict[str, Sample]) -> Sample:
    """Return the restaurant of the demo's samples."""
    return samples["S1"]


@pytest.fixture
def harbor(db: None) -> Tenant:
    """Return a tenant of the shared database."""
    return Tenant.objects.create(code="harbor", name="Harbor Insurance Partners", catalogue=DEMO)


@pytest.fixture
def summit(db: None) -> Tenant:
    """Return another tenant of the shared database."""
    return Tenant.objects.create(code="summit", name="Summit Brokers", catalogue=DEMO)


@pytest.fixture
def summit_apart(db: None) -> Tenant:
    """Return a tenant with a database of its own."""
    return Tenant.objects.create(code="summit-apart", name="Summit Apart", catalogue=DEMO, database=SECOND_DATABASE)


@pytest.fixture
def owner(harbor: Tenant) -> User:
    """Return the agent of harbor who started the test's form."""
    return User.objects.create_user(
        "owner@harbor.example", PASSWORD, role=Role.AGENT, tenant=harbor, full_name="Ona Owner"
    )


@pytest.fixture
def member(harbor: Tenant) -> User:
    """Return the owner's colleague."""
    return User.objects.create_user(
        "member@harbor.example", PASSWORD, role=Role.AGENT, tenant=harbor, full_name="Max Member"
    )


@pytest.fixture
def stranger(summit: Tenant) -> User:
    """Return an agent of the other tenant."""
    return User.objects.create_user(
        "stranger@summit.example", PASSWORD, role=Role.AGENT, tenant=summit, full_name="Sia Stranger"
    )


@pytest.fixture
def staff(db: None) -> User:
    """Return a member of the product's staff with every permission."""
    return User.objects.create_superuser("staff@partner-engine.example", PASSWORD, full_name="Stan Staff")


def _client(code: str, tenant: Tenant) -> ApiClient:
    return ApiClient.objects.create(
        client_id=code,
        client_secret=f"{code}-secret",
        name=code.capitalize(),
        tenant=tenant,
        allowed_scopes=every_right(),
    )


@pytest.fixture
def harbor_client(harbor: Tenant) -> ApiClient:
    """Return harbor's API client, whose secret is ``harbor-secret``."""
    return _client("harbor", harbor)


@pytest.fixture
def summit_client(summit: Tenant) -> ApiClient:
    """Return summit's API client, whose secret is ``summit-secret``."""
    return _client("summit", summit)


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """Return a function that makes a browser with a signed-in user."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="tenants.backends.EmailBackend")
        return client

    return signed_in
