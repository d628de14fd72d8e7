"""``decide_many``: the decisions of a full decode and run, in order, in one process and in several, in flat memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from batch import service as batch
from catalogue import releases
from copies.codec import decode_document
from decisions.decide_many import DecidedCopy, StoredCopy, decide_many
from decisions.stored_copies import read_waiting
from decisions.waiting import today_at
from house.place import CHECKOUT
from rules.flow import check_flow
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import Api
from tests.harness.later_releases import publish_release
from tests.harness.moments import declining

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]


def stored_copies(tenant: Tenant) -> list[StoredCopy]:
    with use_tenant(tenant):
        return [one.copy for one in read_waiting(Q(), tenant=tenant, today=today_at(tenant), limit=100)]


def test_more_copies_are_read_with_as_many_statements(api: Api, start: Start, kennels: Tenant) -> None:
    counts = []
    for _ in range(2):
        start(state="TX")
        start(state="OH")
        with CaptureQueriesContext(connection) as queries:
            stored_copies(kennels)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_the_decisions_are_those_of_a_full_read(api: Api, start: Start, kennels: Tenant) -> None:
    for state in ("TX", "OH"):
        start(state=state, owner_ssn="123-45-6789", has_cats=True, cat_count=60)
    start(lines=["premises"])
    publish_release(declining())
    release = releases.current("kennels")

    decided = list(decide_many(stored_copies(kennels), release))

    assert [one.is_same for one in decided] == [False, True, True]
    for one in decided:
        context = batch.find(one.id, scope=kennels, actor=system_actor("test"))
        _, evaluation = context.current_view()
        assert one.evaluation == evaluation
        full = check_flow.run(
            release.compiled,
            decode_document(context.copy.document),
            as_of=context.save_context.as_of,
            release=release.id,
            reveal=context.sealer.reveal,
        )
        assert one.evaluation == full.evaluation


def test_an_undecidable_copy_spoils_no_other(start: Start, kennels: Tenant) -> None:
    start(), start()
    first, second = stored_copies(kennels)
    broken = StoredCopy(id=first.id, tenant_id=first.tenant_id, as_of=first.as_of, document=b"\x01nothing")

    decided = list(decide_many([broken, second], releases.current("kennels")))

    assert [(one.error, bool(one.encoded)) for one in decided] == [("UnreadableDocument", False), ("", True)]


def test_the_stream_is_read_no_faster_than_it_is_decided(start: Start, kennels: Tenant) -> None:
    start()
    (copy,) = stored_copies(kennels)
    taken = 0

    def endless() -> Iterator[StoredCopy]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield StoredCopy(
                id=UUID(int=number), tenant_id=copy.tenant_id, as_of=copy.as_of, document=copy.document, key=copy.key
            )

    decided = decide_many(endless(), releases.current("kennels"), workers=1)
    found: list[DecidedCopy] = list(itertools.islice(decided, 50))

    assert [one.id.int for one in found] == list(range(50))
    assert taken == 50


IN_PROCESSES = """
import itertools, resource
from datetime import date
from uuid import UUID
import django
django.setup()
from copies.codec import encode_document
from copies.document import Answer, Document
from decisions.decide_many import StoredCopy, decide_many
from rules.definition.compiler import compile_catalogue
from tests.harness.kennel_catalogue import ANSWERS, KENNELS

class Release:
    id = 7
    compiled = compile_catalogue(KENNELS)

def copies(amount):
    for number in range(amount):
        answers = {code: Answer(value=value) for code, value in ANSWERS.items()}
        answers["cat_count"] = Answer(value=number)
        answers["has_cats"] = Answer(value=True)
        yield StoredCopy(id=UUID(int=number), tenant_id=UUID(int=1), as_of=date(2026, 6, 1),
                         document=encode_document(Document(answers=answers)))

alone = [one.evaluation for one in decide_many(copies(200), Release(), workers=1)]
shared = [one.evaluation for one in decide_many(copies(200), Release(), workers=2)]
assert alone == shared and alone[0] != alone[199]
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
assert sum(1 for _ in decide_many(copies(4_000), Release(), workers=2)) == 4_000
assert peak() - before < 20_000, (before, peak())
closed = decide_many(copies(10**9), Release(), workers=2)
next(closed)
closed.close()
print("fine")
"""


def test_several_processes_decide_the_same_in_flat_memory() -> None:
    # In a program of its own: a fork of this one would copy the locks of its threads.
    done = subprocess.run(
        [sys.executable, "-c", IN_PROCESSES], cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )

    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
