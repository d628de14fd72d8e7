"""For any changes and any lost frames: snapshot and frames together equal a fresh read."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from batch import service as batch
from batch.effects import after_commit
from batch.errors import InvalidAnswers
from tenants.access import Actor
from tenants.models import Tenant, User
from tests.harness.edit_scripts import Step, carry_out, demo_catalogue, steps
from tests.harness.socket_client import in_thread, session_of, start
from tests.harness.socket_follower import Copybook, Follower, address_of
from tests.harness.tiers import amount

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
#: Each step, and whether its frame is lost.
SCRIPTS = st.lists(st.tuples(steps(demo_catalogue()), st.integers(0, 9).map(lambda number: number == 0)), max_size=15)


def take(tenant: Tenant, actor: Actor, copy_id: UUID, step: Step, *, is_lost: bool) -> int:
    """Do one step as a save of its own; return the version then."""
    with pytest.MonkeyPatch.context() as patch:
        if is_lost:
            patch.setattr(after_commit, "_registered", [])
        with batch.find_and_lock(copy_id, scope=tenant, actor=actor) as context:
            try:
                carry_out(context.changeset, step, {})
                return context.save().version
            except InvalidAnswers:
                return context.version


def read(tenant: Tenant, actor: Actor, copy_id: UUID) -> Copybook:
    context = batch.find(copy_id, scope=tenant, actor=actor)
    return Copybook(demo_catalogue()).read(context.read_only_changeset().document, context.version)


async def follow(
    port: int, cookie: str, tenant: Tenant, actor: Actor, script: list[tuple[Step, bool]], *, notices_gaps: bool = True
) -> tuple[Any, Any]:
    """Let one follower listen from the start and another from the middle; return their states and the stored one."""
    copy_id = await in_thread(start, tenant, actor)
    address, followers, version = address_of(lambda: port, copy_id), [], 1
    for number, (step, is_lost) in enumerate([*script, (("answer", "mqs_mail_city", "Last", 0), False)]):
        if number in (0, len(script) // 2):
            book = await in_thread(read, tenant, actor, copy_id)
            followers.append(Follower(address, cookie, book, notices_gaps=notices_gaps))
            if number == 0:
                # The later one connects during the saves.
                await followers[0].connected()
        version = await in_thread(take, tenant, actor, copy_id, step, is_lost=is_lost)
    try:
        for follower in followers:
            await follower.reach(version)
    finally:
        for follower in followers:
            await follower.end()
    fresh = await in_thread(read, tenant, actor, copy_id)
    return [follower.book.picture() for follower in followers], [fresh.picture()] * len(followers)


@settings(max_examples=amount(3, full=20), deadline=None, suppress_health_check=QUIET)
@given(script=SCRIPTS)
def test_frames_lead_to_what_a_fresh_read_shows(
    port: int, harbor: Tenant, actor: Actor, member: User, script: list[tuple[Step, bool]]
) -> None:
    known, true = asyncio.run(follow(port, session_of(member), harbor, actor, script))

    assert known == true


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(script=SCRIPTS)
def test_frames_lead_to_what_a_fresh_read_shows_in_full(
    port: int, harbor: Tenant, actor: Actor, member: User, script: list[tuple[Step, bool]]
) -> None:
    known, true = asyncio.run(follow(port, session_of(member), harbor, actor, script))

    assert known == true


@pytest.mark.slow
def test_a_follower_that_ignores_versions_is_detected(port: int, harbor: Tenant, actor: Actor, member: User) -> None:
    lost: Step = ("answer", "mqs_lobs", ["bop"], 0)

    with pytest.raises(AssertionError, match="at 1, not at 3"):
        asyncio.run(follow(port, session_of(member), harbor, actor, [(lost, True)], notices_gaps=False))
