"""Agents in their browsers at harbor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from batch import service as batch
from batch.context import BatchContext
from catalogue.models import Release
from tenants.models import ApiClient, User
from tests.harness.api_client import Api
from tests.harness.page_client import Page, StartForm


@pytest.fixture
def start_form(demo: Release, owner: User) -> StartForm:
    """Return a function that starts a form of the owner and returns its id."""

    def start(answers: dict[str, object] | None = None, pools: dict[str, object] | None = None, **given: object) -> str:
        assert owner.tenant is not None
        with batch.build_context(scope=owner.tenant, actor=owner.as_actor(source="web"), **given) as context:  # type: ignore[arg-type]
            context.changeset.apply_answers(answers or {}, pools or {})
            context.save()
            return str(context.copy.id)

    return start


@pytest.fixture
def read(owner: User) -> Callable[[str], BatchContext]:
    """Return a function that reads the owner's copies."""

    def read_copy(copy_id: str) -> BatchContext:
        assert owner.tenant is not None
        return batch.find(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web"))

    return read_copy


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right."""
    return Api(harbor_client)


@pytest.fixture
def open_page_of(sign_in: Callable[[User], Client]) -> Callable[[User, str], Page]:
    """Return a function that opens the form pages of a user."""
    return lambda user, copy_id: Page(sign_in(user), copy_id)


@pytest.fixture
def open_page(owner: User, sign_in: Callable[[User], Client]) -> Callable[[str], Page]:
    """Return a function that opens the owner's form pages."""
    return lambda copy_id: Page(sign_in(owner), copy_id)
