"""Trials that append to lists: each entry is a row with its own label, each form takes a limited number."""

from __future__ import annotations

import random
import time
from collections import Counter
from uuid import UUID

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.errors import BatchError
from tenants.models import Tenant
from tests.harness.faults.entry_catalogue import ACTOR, CAPACITY, TENANT
from tests.harness.faults.scenarios import Report, kinds_of


def append_entries(report: Report, *, writer: str, slots: list[list[str]], appends: int, seed: int) -> None:
    """Append ``appends`` entries, each to the open form of a slot that chance chooses; report each, and at the end the
    reasons of failed tries. A slot is a list of forms, filled one after the other.
    """
    chance, tenant = random.Random(seed), Tenant.objects.get(code=TENANT)
    opened = [0] * len(slots)
    failures: Counter[str] = Counter()
    for number in range(appends):
        label, tries = f"{writer}-{number}", 0
        while True:
            place = chance.randrange(len(slots))
            try:
                told = append(tenant, slots[place][opened[place]], label)
            except BatchError as error:
                failures[type(error).__name__] += 1
                tries += 1
                # As clients wait: longer each time, with jitter.
                time.sleep(chance.uniform(0, 0.1 * 2 ** min(tries, 4)))
                continue
            if told is not None:
                report(**told, tries=tries)
                break
            opened[place] += 1
    report(failures=failures)


def append(tenant: Tenant, form: str, label: str) -> dict[str, object] | None:
    """Append one entry and save; return the report, None where the form is full. Raises the errors of the batch."""
    with batch.find_and_lock(form, scope=tenant, actor=ACTOR) as context:
        pool = context.changeset.find_pool("entries")
        if len(pool.rows) == CAPACITY:
            return None
        pool.add(answers={"entry": label})
        context.changeset.find_answer("kennel_name").apply(label)
        result = context.save()
        return {"form": form, "label": label, "version": result.version, "kinds": kinds_of(result)}


def read_entries(report: Report, *, forms: list[str]) -> None:
    """Read the lists repeatedly until killed; report every one that does not extend the list read before."""
    tenant = Tenant.objects.get(code=TENANT)
    known: dict[str, list[object]] = {form: [] for form in forms}
    while True:
        for form in forms:
            read = entries_of(batch.find_changeset(UUID(form), scope=tenant, actor=ACTOR))
            if read[: len(known[form])] != known[form]:
                report(broken=form, before=known[form], after=read)
            known[form] = read
        report(rounds=1)
        time.sleep(0.05)


def entries_of(changeset: Changeset) -> list[object]:
    """Return the labels of the entries in their order."""
    return [row.find_answer("entry").value for row in changeset.find_pool("entries").rows]
