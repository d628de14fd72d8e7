"""A unit of work is freed as soon as it is over: what refers to itself waits for the collector of garbage, which takes
processor time of every request.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from tenants.access import Actor
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Run without the collector of garbage."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    ("answers", "pools"),
    [
        ({"kennel_name": "Bark Hotel"}, {}),
        ({}, {"houses": [{"answers": {"runs": 2}}]}),
        ({}, {"houses": [{"ref": "new", "answers": {"runs": 2}}]}),
    ],
)
def test_a_save_is_freed_at_once(
    kennels: Tenant, agent: Actor, form_id: UUID, answers: dict[str, Any], pools: dict[str, Any]
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        tracker = weakref.ref(context.changeset.tracker)
        context.changeset.apply_answers(answers, pools)
        assert context.save().written

    del context
    assert tracker() is None
