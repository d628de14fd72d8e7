"""A dry run says what a run does, item by item, and leaves nothing behind: random operations."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.models import OutboxAction
from batch import service as batch
from operations.engine.plans import digest_of_end
from operations.kinds.registry import KINDS, kind_named
from tenants.access import Actor, Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.kennel_catalogue import ANSWERS
from tests.harness.kind_runs import KindRun

pytestmark = pytest.mark.django_db

WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|pg_(try_)?advisory\w*)\b", re.IGNORECASE)
#: Values of answers, some of them invalid.
VALUES: dict[str, list[Any]] = {
    "kennel_name": ["Copper Paw", "", None, "x" * 41, 7],
    "lines": [["care"], ["premises"], ["care", "premises"], [], ["fish"]],
    "state": ["TX", "OH", "ZZ", None],
    "has_cats": [True, False, None, "perhaps"],
    "cat_count": [0, 1, 60, None, "many"],
    "owner_phone": ["512-555-0134", "5", None],
    "nothing_asks": ["x"],
}
HOUSES: list[Any] = [
    {"answers": {"house_name": "West", "runs": 60}},
    {"answers": {"runs": 0}},
    {"answers": {"house_name": "East"}, "answer_pools": {"fences": [{"answers": {"fence_feet": 6}}]}},
    {"id": "no id"},
]


class Book:
    """The forms of a tenant on which random operations of all kinds are planned and carried out."""

    def __init__(self, tenant: Tenant, actor: Actor, make_form: Callable[..., UUID], colleague: User) -> None:
        self.tenant = tenant
        self.actor = actor
        self.colleague = colleague
        self._make_form = make_form
        self.renew()

    def renew(self) -> None:
        """Take new forms: those that were changed often have few valid changes left."""
        self.forms = [self._make_form({"kennel_name": f"Kennel {number}"}) for number in range(4)]

    def order(self, dice: random.Random, code: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return random items of the kind ``code`` about different forms, some unknown, and arguments."""
        if code == "undo":
            return self._undo_order(dice)
        if code == "import_forms":
            return [self._new_form(dice) for _ in range(dice.randint(1, 3))], {}
        items = self._items(dice)
        if code == "set_answers":
            for item in items:
                item["answers"] = answers(dice, most=2)
        return items, self._arguments(dice, code)

    def _arguments(self, dice: random.Random, code: str) -> dict[str, Any]:
        if code == "set_answers":
            pools = {"answer_pools": {"houses": [dice.choice(HOUSES)]}} if dice.random() < 0.3 else {}
            return {"answers": answers(dice, most=2), **pools}
        choices: dict[str, list[dict[str, Any]]] = {
            "re_evaluate": [{}, {"release": 1}],
            "requote": [{}, {"products": ["PA-CARE"]}, {}, {"products": ["WO-CARE"]}],
            "transfer_owner": [{"owner_id": str(self.colleague.pk)}, {"owner_id": None}],
            "archive": [{"copies_only": True}, {}],
            "tenant_export": [{}, {"from_start": True}],
        }
        return dice.choice(choices.get(code, [{}]))

    def _items(self, dice: random.Random) -> list[dict[str, Any]]:
        chosen = [str(form_id) for form_id in dice.sample(self.forms, dice.randint(1, len(self.forms)))]
        if dice.random() < 0.2:
            chosen.insert(dice.randint(0, len(chosen)), str(uuid4()))
        items: list[dict[str, Any]] = [{"id": form_id} for form_id in chosen]
        if dice.random() < 0.1:
            items[0]["expected_version"] = dice.randint(1, 3)
        return items

    def _new_form(self, dice: random.Random) -> dict[str, Any]:
        title = {"title": "Imported"} if dice.random() < 0.5 else {}
        return {"answers": {**ANSWERS, **answers(dice, most=2)}, **title}

    def _undo_order(self, dice: random.Random) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Carry out an operation that can be undone, change some of its forms, and return the order to undo it."""
        while True:
            code = dice.choice([code for code, kind in KINDS.items() if kind.can_undo and code != "undo"])
            done, kind = KindRun(self.tenant, self.actor), kind_named(code)
            found = done.stored(kind, done.run(kind, *self.order(dice, code)))
            if found:
                break
        edit = KindRun(self.tenant, self.actor)
        edit.run(kind_named("set_answers"), self._items(dice), {"answers": answers(dice, most=1)})
        return found, {"operation_id": str(done.operation_id)}


def answers(dice: random.Random, *, most: int) -> dict[str, Any]:
    return {code: dice.choice(VALUES[code]) for code in dice.sample(list(VALUES), dice.randint(0, most))}


def compare(seed: int, book: Book, code: str) -> list[str]:
    """Plan a random operation and run it item by item; return the outcomes or codes after checking that both agree."""
    dice = random.Random(seed)
    kind = kind_named(code)
    items, arguments = book.order(dice, code)
    planned, done = KindRun(book.tenant, book.actor), KindRun(book.tenant, book.actor)

    plan = planned.run(kind, items, arguments, is_dry_run=True)

    assert planned.recorded == []
    ends = [done.run(kind, [item], arguments)[0] for item in items]
    assert [digest_of_end(end) for end in plan] == [digest_of_end(end) for end in ends], (seed, code, plan, ends)
    return [end.refusal.code if end.refusal else end.outcome for end in ends]


@pytest.fixture
def book(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> Book:
    colleague = User.objects.create_user("next@kennels.example", "secret", role=Role.AGENT, tenant=kennels)
    return Book(kennels, agent, make_form, colleague)


def test_a_plan_of_every_kind_is_what_a_run_does(book: Book) -> None:
    outcomes: dict[str, set[str]] = {code: set() for code in KINDS}
    for seed in range(2):
        for code in KINDS:
            outcomes[code] |= {*compare(seed, book, code)}
            if code in ("set_answers", "archive", "undo"):
                book.renew()

    # The operations are varied enough to mean something.
    assert [code for code, found in outcomes.items() if not found & {"changed", "unchanged"}] == []
    for seed in range(2, 12):
        outcomes["set_answers"] |= {*compare(seed, book, "set_answers")}
    assert {"changed", "unchanged", "not_found", "invalid_answers"} <= outcomes["set_answers"]


@pytest.mark.slow
def test_a_thousand_plans_of_all_kinds_are_what_runs_do(book: Book) -> None:
    codes = list(KINDS)
    outcomes: dict[str, set[str]] = {code: set() for code in codes}
    for seed in range(1_000):
        if seed % 20 == 0:
            book.renew()
        code = codes[seed % len(codes)]
        outcomes[code] |= {*compare(10_000 + seed, book, code)}

    assert [code for code, found in outcomes.items() if not found & {"changed", "unchanged"}] == []


@pytest.mark.parametrize("code", KINDS)
def test_a_dry_run_writes_nothing_takes_no_lock_and_sends_no_event(book: Book, code: str) -> None:
    assert written_by_dry_runs(book, code, amount=changed_rows) == [0, 0, 0]


# The log of the server also has what other tests write.
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("code", KINDS)
def test_a_dry_run_adds_nothing_to_the_log_of_the_server(book: Book, code: str) -> None:
    # Other work of the server may write meanwhile, so the least counts.
    assert min(written_by_dry_runs(book, code, amount=position)) == 0


def written_by_dry_runs(book: Book, code: str, *, amount: Callable[[], int]) -> list[int]:
    """Run three dry runs; return how much each adds to ``amount``. Raise if one takes a lock or sends an event."""
    kind, operation = kind_named(code), KindRun(book.tenant, book.actor)
    orders = (book.order(random.Random(seed), code) for seed in range(50))
    items, arguments = next(  # which also loads what is loaded once
        one for one in orders if any(end.refusal is None for end in operation.run(kind, *one, is_dry_run=True))
    )
    with use_tenant(book.tenant):
        events = OutboxAction.objects.count()

    written = []
    for _ in range(3):
        before = amount()
        # Somebody else holds the locks of the copies: a dry run that took one would wait and fail.
        with (
            batch.find_and_lock_many(book.forms, scope=book.tenant, actor=book.actor),
            CaptureQueriesContext(connection) as queries,
        ):
            ends = operation.run(kind, items, arguments, is_dry_run=True)
        written.append(amount() - before)

    assert "locked_by_another_save" not in {end.refusal.code for end in ends if end.refusal}
    assert any(end.refusal is None for end in ends)
    statements = [query["sql"] for query in queries]
    assert statements
    assert not [sql for sql in statements if WRITES.search(sql)]
    with use_tenant(book.tenant):
        assert OutboxAction.objects.count() == events
    return written


def changed_rows() -> int:
    """Return how many rows this transaction has inserted, changed and deleted, also in what was rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


def position() -> int:
    """Return how many bytes the server has written to its write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])
