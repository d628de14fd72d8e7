"""The admin's fixtures: staff in the browser, and a kennel's form with a secret, a personal and a hidden answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connections
from django.test import Client
from pytest_django import Settings

from actions.poller import relay_heartbeat
from catalogue.loader import load
from catalogue.models import Catalogue
from catalogue.releases import forget_compiled_releases, publish
from partner_engine.celery import BEAT_HEARTBEAT, WORKER_HEARTBEAT
from redis_locks.heartbeats import note_heartbeat
from tenants.access import Role
from tenants.models import Tenant, User
from tests.harness.cast import PASSWORD
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.repeated_queries import look_for_repeated_queries
from tests.harness.sensitive_kennel import start_kennel


@pytest.fixture(autouse=True)
def read_in_few_statements(settings: Settings) -> None:
    """Let pages that read row after row fail, in the full tier."""
    look_for_repeated_queries(settings)


@pytest.fixture
def kennels(db: None) -> Iterator[Catalogue]:
    """Return the kennel catalogue, published."""
    forget_compiled_releases()
    catalogue = load(KENNELS)
    publish(catalogue, actor_id="test")
    yield catalogue
    forget_compiled_releases()


@pytest.fixture
def kennel(kennels: Catalogue, harbor: Tenant, owner: User) -> UUID:
    """Return the id of a form at harbor: the number of cats was answered, then they were excluded."""
    return start_kennel(harbor, owner)


@pytest.fixture
def admin(staff: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the browser of a member of staff with every permission."""
    return sign_in(staff)


@pytest.fixture
def make_staff(db: None, sign_in: Callable[[User], Client]) -> Callable[..., Client]:
    """Return a function that makes a browser of staff with just these permissions (``app.codename``)."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user("junior@partner-engine.example", PASSWORD, role=Role.STAFF, is_staff=True)
        for name in permissions:
            app, _, codename = name.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return sign_in(user)

    return make


@pytest.fixture
def healthy(db: None, settings: Any) -> None:
    """Let every process show that it is alive, every database have a backup, and the keys not be the public ones."""
    for name in (BEAT_HEARTBEAT, WORKER_HEARTBEAT, *map(relay_heartbeat, connections)):
        note_heartbeat(name)
    for alias in connections:
        call_command("note_backup", database=alias, stdout=StringIO())
    settings.KEYRING = {"2026-01": "not the development key"}
