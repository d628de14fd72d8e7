"""Changes of guarded releases: each is whole, is refused if another worker made one, and is settled in the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError

from actions.models import OutboxAction
from catalogue import publish_hooks, releases, roll_outs
from catalogue.models import RollOut, RollOutTenant
from catalogue.publish_hooks import Published
from decisions.handlers import decide_now
from decisions.roll_out_steps import AFTER_RUN, do_step
from failpoints import FailpointReached, armed
from tenants.current_tenant import across_tenants, use_tenant
from tests.decisions.test_roll_outs import Broker, brokers, do_steps, go, idle_brokers

pytestmark = pytest.mark.django_db
__all__ = ["brokers", "idle_brokers"]


class BrokenHook:
    """A publish hook that fails while ``is_broken``."""

    __name__ = "broken_hook"

    def __init__(self) -> None:
        self.is_broken = True
        self.seen: list[Published] = []

    def __call__(self, published: Published) -> tuple[str, ...]:
        self.seen.append(published)
        if self.is_broken:
            raise LookupError("It is broken.")
        return ()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> BrokenHook:
    """Add a broken hook in front of the others."""
    found = BrokenHook()
    monkeypatch.setattr(publish_hooks, "_hooks", [found, *publish_hooks._hooks])
    return found


def look(broker: Broker) -> None:
    """Look after all roll-outs, as each hour."""
    with use_tenant(broker.tenant):
        do_step(broker.tenant)


def test_hooks_that_failed_are_run_again(brokers: list[Broker], hook: BrokenHook) -> None:  # noqa: F811
    roll_out = go()
    roll_outs.follow_next(roll_out)
    roll_outs.order_back(roll_out, actor_id="kim")
    for is_broken, is_settled in ((True, False), (False, True)):
        hook.is_broken = is_broken
        look(brokers[2])
        roll_out.refresh_from_db()
        assert roll_out.is_settled is is_settled
    assert [seen.release_id for seen in hook.seen] == [roll_out.former_id] * 3

    look(brokers[2])

    assert len(hook.seen) == 3


@pytest.mark.parametrize("is_own_database", [True, False])
def test_a_database_that_is_down_fails_no_change_and_is_told_later(
    brokers: list[Broker], hook: BrokenHook, is_own_database: bool, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    def fail(*given: object, **named: object) -> None:
        raise OperationalError("It is down.")

    hook.is_broken = False
    with monkeypatch.context() as down:
        if is_own_database:
            down.setattr(roll_outs, "_own_databases", lambda roll_out: {"default"})
            down.setattr(roll_outs, "_decide_elsewhere", fail)
        else:
            down.setattr(roll_outs, "refresh_pointer", fail)
        announced: list[int] = []
        down.setattr(roll_outs, "announce", lambda release, compiled: announced.append(release.pk))
        roll_out = go()
        assert announced == [roll_out.release_id]
        if is_own_database:
            # A step that leaves nothing to do does not settle the change before it.
            assert roll_outs.note_actual(roll_out.tenants.get(position=0), roll_out, {})
            assert not RollOut.objects.get().is_settled
        roll_outs.order_back(roll_out, actor_id="kim")
        assert not RollOut.objects.get().is_settled
        # A hook works on the databases that are up.
        assert len(hook.seen) == (1 if is_own_database else 0)

    look(brokers[0])

    assert RollOut.objects.get().is_settled
    assert releases.current_id("kennels") == roll_out.former_id


def test_a_step_whose_next_one_could_not_be_emitted_is_settled_later(
    brokers: list[Broker], monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    roll_out = go()
    row = roll_out.tenants.get(position=0)
    with monkeypatch.context() as down:
        down.setattr(roll_outs, "_reach_databases", lambda roll_out, emit: False)
        assert roll_outs.note_actual(row, roll_out, {})
    assert not RollOut.objects.get().is_settled

    look(brokers[2])

    assert RollOut.objects.get().is_settled


@pytest.mark.parametrize(
    "change",
    [
        lambda row, roll_out: roll_outs.note_actual(row, roll_out, {}),
        lambda row, roll_out: roll_outs.follow_next(roll_out),
    ],
)
def test_a_change_after_that_of_another_worker_is_refused(
    brokers: list[Broker], change: Callable[[RollOutTenant, RollOut], bool]  # noqa: F811
) -> None:  # fmt: skip
    mine = go()
    row = mine.tenants.get(position=0)

    def meanwhile(name: str) -> None:
        assert roll_outs.note_decided(row, RollOut.objects.get(), {})

    with armed("roll_out_changed", action=meanwhile):
        assert change(row, mine)

    assert not roll_outs.stop(row, mine, {}, detail="apart")
    row.refresh_from_db()
    assert row.state == RollOutTenant.State.DECIDED


def test_the_measure_and_the_verdict_are_one_change(brokers: list[Broker]) -> None:  # noqa: F811
    roll_out = go()
    do_steps(roll_out, brokers[0], count=2)
    decide_now(roll_out.release)
    assert roll_out.tenants.get(position=0).state == RollOutTenant.State.FOLLOWING

    with armed("roll_out_changed"), pytest.raises(FailpointReached):
        do_steps(roll_out, brokers[0], count=1)

    row = roll_out.tenants.get(position=0)
    assert row.state == RollOutTenant.State.DECIDED
    assert row.actual["flips"] == row.forecast["flips"] != {}


def test_a_run_that_ends_outside_of_a_worker_starts_the_comparison(brokers: list[Broker]) -> None:  # noqa: F811
    roll_out = go()
    do_steps(roll_out, brokers[0], count=2)

    decide_now(roll_out.release)

    with across_tenants(using="default"):
        actions = list(OutboxAction.objects.filter(kind="guard_release", payload__part__startswith=AFTER_RUN))
    assert [action.tenant_id for action in actions] == [brokers[0].tenant.pk]
