"""The fixtures of live updates: a server process and a copy to listen to."""

from __future__ import annotations

from uuid import UUID

import pytest

from batch import service as batch
from catalogue.models import Release
from tenants.access import Actor
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import session_of, start


@pytest.fixture
def port(transactional_db: None, demo: Release, web_server: int) -> int:
    """Return the server's port, with the demo catalogue published."""
    return web_server


@pytest.fixture
def actor(owner: User) -> Actor:
    """Return the owner as an actor of the web."""
    return owner.as_actor(source="web")


@pytest.fixture
def copy_id(port: int, harbor: Tenant, actor: Actor) -> UUID:
    """Return an empty form's copy of harbor."""
    return start(harbor, actor)


@pytest.fixture
def api(port: int, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right."""
    return Api(harbor_client)


@pytest.fixture
def sessions(owner: User, stranger: User, staff: User) -> dict[str, str]:
    """Return the sessions of three who are signed in."""
    return {name: session_of(user) for name, user in {"owner": owner, "stranger": stranger, "staff": staff}.items()}


@pytest.fixture
def deleted(port: int, harbor: Tenant, actor: Actor) -> UUID:
    """Return a deleted copy of harbor."""
    deleted = start(harbor, actor)
    with batch.build_copy(deleted, scope=harbor, actor=actor) as context:
        context.changeset.copy.make_base()
        context.save()
    with batch.find_and_lock(deleted, scope=harbor, actor=actor) as context:
        context.changeset.copy.delete()
        context.save()
    return deleted
