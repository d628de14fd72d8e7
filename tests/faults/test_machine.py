"""Long random lives of one form, through the batch API and in a model of plain dictionaries (F17).

``make test ARGS="tests/faults/test_machine.py --hypothesis-seed=N"`` repeats a run.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from batch import callbacks
from batch.changes.mutators.answers import AnswerMutator
from batch.storage import write as storage_write
from copies.document import AnswerValue
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.faults.machine import BatchMachine
from tests.harness.faults.sabotage import SABOTAGES
from tests.harness.kennel_forms import agent, kennels, make_form  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)
FULL: Final = pytest.mark.fault
QUIET: Final = list(HealthCheck)


def live(tenant: Tenant, actor: Actor, *, runs: int, steps: int, phases: list[Phase] | None = None) -> None:
    """Let ``runs`` forms live for ``steps`` calls each. Raises ``AssertionError`` where batch and model differ."""
    machine = type("BatchMachine", (BatchMachine,), {"tenant": tenant, "actor": actor})
    how = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=QUIET,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine, settings=settings(how, phases=phases) if phases else how)


@pytest.mark.parametrize(
    ("runs", "steps"), [(4, 40), pytest.param(10, 40, marks=pytest.mark.slow), pytest.param(500, 50, marks=FULL)]
)
def test_batch_and_model_never_differ(kennels: Tenant, agent: Actor, runs: int, steps: int) -> None:  # noqa: F811
    live(kennels, agent, runs=runs, steps=steps, phases=[Phase.generate])


@pytest.mark.slow
def test_the_model_finds_a_writer_that_trusts_its_lock(
    kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(storage_write, "write", SABOTAGES["unfenced"].write)

    with pytest.raises(AssertionError):
        live(kennels, agent, runs=25, steps=40, phases=[Phase.generate])


@pytest.mark.slow
def test_the_model_finds_nothing_in_a_careful_writer(
    kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(storage_write, "write", SABOTAGES["careful"].write)

    live(kennels, agent, runs=4, steps=40, phases=[Phase.generate])


@FULL
def test_the_model_finds_an_answer_that_cannot_be_cleared(
    kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    apply_cleaned = AnswerMutator.apply_cleaned

    def apply_given(mutator: AnswerMutator, value: AnswerValue) -> None:
        if value is not None:
            apply_cleaned(mutator, value)

    monkeypatch.setattr(AnswerMutator, "apply_cleaned", apply_given)

    with pytest.raises(AssertionError):
        live(kennels, agent, runs=25, steps=40, phases=[Phase.generate])


@FULL
def test_the_model_finds_a_base_that_is_deleted(
    kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(callbacks, "BEFORE_SAVE", (callbacks.refuse_deleted, callbacks.refuse_locked))

    with pytest.raises(AssertionError):
        live(kennels, agent, runs=40, steps=40, phases=[Phase.generate])
