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
from batch.changes.tracker import ChangeTracker
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
    save(form_id, {"kennel_name": "Woof Inn"}, {}, scope=kennels, actor=agent)

    # The first save of a process may meet a Redis without its scripts, and that error refers to itself.
    assert save(form_id, answers, pools, scope=kennels, actor=agent)() is None


def save(
    form_id: UUID, answers: dict[str, Any], pools: dict[str, Any], *, scope: Tenant, actor: Actor
) -> weakref.ref[ChangeTracker]:
    """Save the answers, and return where the changes were."""
    with batch.find_and_lock(form_id, scope=scope, actor=actor) as context:
        tracker = weakref.ref(context.changeset.tracker)
        context.changeset.apply_answers(answers, pools)
        assert context.save().written
    return tracker
