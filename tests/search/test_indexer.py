"""The search index: writes of the relay, never to an older version, with concurrent writers; and rebuilding it."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from actions.kinds import IndexForm
from actions.models import OutboxAction
from actions.registry import Delivered, handler_of
from actions.relay import drain
from batch import service as batch
from catalogue.loader import load
from catalogue.releases import forget_compiled_releases, publish
from forms.selectors import list_forms
from redis_locks.job_mutex import JobMutex
from rules.spelling import trigrams_of
from search import indexer
from search.form_search import pending_entries, rank_forms
from search.index import FORMAT, KEEP_WORDS, WRITE_WORDS, Entry, remove_entries, write_entries
from search.indexer import TO_INDEX, index_copies, rebuild_search
from search.models import SearchEntry, SearchSpelling, SearchWord
from search.words import Texts, weigh
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.tiers import PATIENCE

Make = Callable[..., UUID]


def words(tenant: Tenant, copy_id: UUID) -> set[str]:
    with use_tenant(tenant):
        return set(SearchWord.objects.filter(copy_id=copy_id).values_list("word", flat=True))


def version(tenant: Tenant, copy_id: UUID) -> int | None:
    with use_tenant(tenant):
        return SearchEntry.objects.filter(pk=copy_id).values_list("version", flat=True).first()


def deliver(kind: str, copy_id: UUID, tenant: Tenant) -> None:
    action = Delivered(
        id=uuid4(),
        kind=kind,
        payload={"copy_id": str(copy_id)},
        payload_version=1,
        tenant=tenant,
        copy_id=copy_id,
        version=1,
        correlation_id="",
        attempt=1,
        created_at=None,  # type: ignore[arg-type]  # not read
    )
    with use_tenant(tenant):
        handler_of(kind)(action)


def entry(copy_id: UUID, at: int, names: str) -> Entry:
    return Entry(copy_id=copy_id, version=at, release_id=1, texts=Texts(names=names, others=""))


@pytest.mark.django_db
class TestHandlers:
    def test_indexing_reads_the_present_copy_and_is_idempotent(
        self, make_form: Make, kennels: Tenant, agent: Actor
    ) -> None:
        form_id = make_form({"owner_phone": "(614) 201-3344", "owner_ssn": "078-05-1120"})
        deliver(IndexForm.kind, form_id, kennels)
        first = words(kennels, form_id)
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            context.changeset.find_answer("kennel_name").apply("Quiet Paws")
            context.save()

        deliver(IndexForm.kind, form_id, kennels)
        deliver(IndexForm.kind, form_id, kennels)

        assert first == {"base", "happy", "tails", "6142013344", "614", "201", "3344"}
        assert words(kennels, form_id) == {"base", "quiet", "paws", "6142013344", "614", "201", "3344"}
        assert version(kennels, form_id) == 2

    def test_a_deleted_copy_leaves_the_index(self, kennels: Tenant) -> None:
        gone = uuid4()
        write_entries([entry(gone, 3, "Ghost Kennels")], tenant=kennels)

        deliver(IndexForm.kind, gone, kennels)

        assert (words(kennels, gone), version(kennels, gone)) == (set(), None)

    def test_an_answer_that_became_sensitive_is_not_indexed(self, make_form: Make, kennels: Tenant) -> None:
        form_id = make_form({"owner_phone": "(614) 201-3344"})
        start, *others = KENNELS.question_sets
        questions = tuple(
            msgspec.structs.replace(question, sensitivity="spi") if question.code == "owner_phone" else question
            for question in start.questions
        )
        stricter = msgspec.structs.replace(
            KENNELS, question_sets=(msgspec.structs.replace(start, questions=questions), *others)
        )
        forget_compiled_releases()
        publish(load(stricter), actor_id="test")

        deliver(IndexForm.kind, form_id, kennels)

        assert words(kennels, form_id) == {"base", "happy", "tails"}


@pytest.mark.django_db
class TestWriting:
    def test_an_entry_never_goes_back(self, kennels: Tenant) -> None:
        copy_id = uuid4()

        assert write_entries([entry(copy_id, 5, "Later Kennels")], tenant=kennels) == 1
        assert write_entries([entry(copy_id, 4, "Earlier Kennels")], tenant=kennels) == 0

        assert (words(kennels, copy_id), version(kennels, copy_id)) == ({"later", "kennels"}, 5)

    def test_another_tenants_entry_is_neither_changed_nor_removed(self, kennels: Tenant) -> None:
        copy_id = uuid4()
        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)
        stranger = Tenant.objects.create(code="stranger", name="Stranger")

        assert remove_entries([copy_id], tenant=stranger) == 0

        assert words(kennels, copy_id) == {"happy", "tails"}


@pytest.mark.django_db(transaction=True)
def test_two_writers_leave_the_words_of_the_later_version_alone(kennels: Tenant) -> None:
    """Two versions are written at once, repeatedly: the second writer must see the rows of the first."""
    copy_id = uuid4()
    start = threading.Barrier(2)

    def write(at: int) -> None:
        try:
            start.wait(PATIENCE)
            write_entries([entry(copy_id, at, f"version{at} of kennels")], tenant=kennels)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as writers:
        for at in range(1, 60, 2):
            # Alternately, because the first call often comes first.
            list(writers.map(write, (at, at + 1) if at % 4 == 1 else (at + 1, at)))
            assert (version(kennels, copy_id), words(kennels, copy_id)) == (
                at + 1,
                {f"version{at + 1}", "of", "kennels"},
            )


@pytest.mark.django_db
class TestRebuilding:
    def test_missing_and_stale_entries_are_read_again_once(
        self, make_form: Make, kennels: Tenant, agent: Actor
    ) -> None:
        up_to_date, stale, missing = (make_form() for _ in range(3))
        index_copies([up_to_date, stale], tenant=kennels)
        with batch.find_and_lock(stale, scope=kennels, actor=agent) as context:
            context.changeset.find_answer("kennel_name").apply("Quiet Paws")
            context.save()
        ghost = uuid4()
        write_entries([entry(ghost, 1, "Ghosts")], tenant=kennels)

        dry = [*rebuild_search(kennels, dry_run=True)][-1]
        assert (dry.looked_at, dry.stale, dry.without_copy) == (3, 2, 1)
        assert words(kennels, missing) == set()

        done = [*rebuild_search(kennels, dry_run=False)][-1]
        assert (done.looked_at, done.stale, done.without_copy) == (3, 2, 1)
        assert done.forgotten > 0
        assert words(kennels, stale) == {"base", "quiet", "paws"}
        assert words(kennels, missing) == {"base", "happy", "tails"}
        with use_tenant(kennels):
            assert not SearchSpelling.objects.filter(word="ghosts").exists()
        again = [*rebuild_search(kennels, dry_run=False)][-1]
        assert (again.stale, again.without_copy, again.forgotten) == (0, 0, 0)

    def test_an_interrupted_rebuild_continues(
        self, make_form: Make, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = sorted(make_form() for _ in range(3))
        monkeypatch.setattr(indexer, "CHUNK", 1)
        run = rebuild_search(kennels, dry_run=False)
        next(run)
        run.close()

        assert [version(kennels, copy_id) for copy_id in made] == [1, None, None]
        assert [*rebuild_search(kennels, dry_run=False)][-1].stale == 2

    def test_a_new_release_makes_every_entry_stale(self, make_form: Make, kennels: Tenant) -> None:
        form_id = make_form()
        index_copies([form_id], tenant=kennels)
        forget_compiled_releases()
        publish(load(msgspec.structs.replace(KENNELS, title="Boarding kennels and more")), actor_id="test")

        assert [*rebuild_search(kennels, dry_run=True)][-1].stale == 1

    def test_the_command_reports_as_json_and_as_text(self, make_form: Make, kennels: Tenant) -> None:
        form_id = make_form()
        told = StringIO()
        call_command("rebuild_search", json=True, dry_run=True, stdout=told)
        assert json.loads(told.getvalue()) == {
            "tenant": "kennels",
            "looked_at": 1,
            "stale": 1,
            "without_copy": 0,
            "forgotten": 0,
            "dry_run": True,
        }
        assert words(kennels, form_id) == set()

        told, far = StringIO(), StringIO()
        call_command("rebuild_search", tenant="kennels", stdout=told, stderr=far)
        assert told.getvalue().startswith("kennels: 1 copies looked at, 1 read again, 0 entries without a copy")
        assert "1 copies looked at ..." in far.getvalue()
        assert words(kennels, form_id) == {"base", "happy", "tails"}

    def test_one_rebuild_at_a_time_and_only_of_known_tenants(self, kennels: Tenant) -> None:
        with JobMutex("rebuild_search"), pytest.raises(CommandError, match="Another rebuild"):
            call_command("rebuild_search")
        with pytest.raises(CommandError, match="no tenant 'nobody'"):
            call_command("rebuild_search", tenant="nobody")


@pytest.mark.django_db
def test_lookups_use_the_index_under_row_level_security(kennels: Tenant) -> None:
    """The conditions of the search: PostgreSQL must evaluate each on the index (ADR 15)."""
    with use_tenant(kennels), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for model, condition in (
            (SearchWord, "word >= 'kett' AND word < 'ketu'"),
            (SearchWord, "word = 'kettle'"),
            (SearchSpelling, "trigram IN ('ket', 'ett')"),
        ):
            cursor.execute(
                f"EXPLAIN (FORMAT JSON) SELECT word FROM {model._meta.db_table} "  # noqa: S608
                f"WHERE tenant_id = %s AND {condition}",
                [kennels.id],
            )
            plan = json.dumps(cursor.fetchone()[0])
            scan = plan.partition('"Index Cond": ')[2].partition('",')[0]
            assert "tenant_id" in scan, plan
            assert ("word" if model is SearchWord else "trigram") in scan, plan


@pytest.mark.django_db(transaction=True)
def test_the_relay_indexes_saved_copies(make_form: Make, kennels: Tenant) -> None:
    made = [make_form({"kennel_name": name}) for name in ("Copper Kettle", "Quiet Paws")]

    drain("default")

    with use_tenant(kennels):
        assert not OutboxAction.objects.filter(kind=IndexForm.kind).exists()
        assert pending_entries() == []
        [found] = rank_forms(list_forms(), "Coper Kettel", personal=False, limit=5)
    assert found.copy_id == made[0]
    assert [version(kennels, copy_id) for copy_id in made] == [1, 1]


def rows_of_words(tenant: Tenant, copy_id: UUID) -> dict[str, tuple[Any, ...]]:
    """Return the words of a copy with weight and confidentiality, and the place of each row, which a write moves."""
    with use_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT word, weight, is_personal, ctid::text, xmax::text FROM {SearchWord._meta.db_table}"  # noqa: S608
            " WHERE copy_id = %s",
            [copy_id],
        )
        return {word: values for word, *values in cursor.fetchall()}


@pytest.mark.django_db
class TestUnchangedWords:
    def test_a_later_version_with_the_same_words_writes_no_word(self, kennels: Tenant) -> None:
        copy_id = uuid4()
        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)
        before = rows_of_words(kennels, copy_id)

        with CaptureQueriesContext(connection) as queries:
            assert write_entries([entry(copy_id, 2, "Happy Tails")], tenant=kennels) == 1

        assert (rows_of_words(kennels, copy_id), version(kennels, copy_id)) == (before, 2)
        assert [KEEP_WORDS.name in query["sql"] for query in queries] == [True]

    def test_a_changed_word_leaves_the_rows_of_the_others_alone(self, kennels: Tenant) -> None:
        copy_id = uuid4()
        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)
        before = rows_of_words(kennels, copy_id)

        write_entries([entry(copy_id, 2, "Happy Paws")], tenant=kennels)

        after = rows_of_words(kennels, copy_id)
        assert set(after) == {"happy", "paws"}
        assert after["happy"] == before["happy"]

    def test_the_words_of_an_unchanged_text_are_not_cut_again(
        self, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy_id, cut = uuid4(), []
        monkeypatch.setattr("search.index.weigh", lambda **texts: cut.append(texts["names"]) or weigh(**texts))

        for number, names in enumerate(("Happy Tails", "Happy Tails", "Happy Paws"), 1):
            write_entries([entry(copy_id, number, names)], tenant=kennels)

        assert cut == ["Happy Tails", "Happy Paws"]
        assert words(kennels, copy_id) == {"happy", "paws"}

    def test_a_text_that_changes_without_its_words_leaves_their_rows_alone(self, kennels: Tenant) -> None:
        copy_id = uuid4()
        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)
        before = rows_of_words(kennels, copy_id)

        write_entries([entry(copy_id, 2, "happy, TAILS!")], tenant=kennels)

        assert (rows_of_words(kennels, copy_id), version(kennels, copy_id)) == (before, 2)

    def test_words_are_written_anew_where_they_were_lost(self, make_form: Make, kennels: Tenant) -> None:
        form_id = make_form()
        index_copies([form_id], tenant=kennels)
        known = words(kennels, form_id)
        with use_tenant(kennels):
            SearchWord.objects.filter(copy_id=form_id).delete()
            SearchSpelling.objects.all().delete()

        assert [*rebuild_search(kennels, dry_run=False, everything=True)][-1].stale == 1

        assert words(kennels, form_id) == known
        with use_tenant(kennels):
            assert SearchSpelling.objects.filter(word="happy").exists()

    def test_an_entry_of_an_earlier_format_is_written_in_full(self, kennels: Tenant) -> None:
        copy_id = uuid4()
        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)
        with use_tenant(kennels):
            SearchEntry.objects.filter(pk=copy_id).update(format=FORMAT - 1)
            SearchWord.objects.filter(copy_id=copy_id, word="tails").delete()

        write_entries([entry(copy_id, 1, "Happy Tails")], tenant=kennels)

        assert words(kennels, copy_id) == {"happy", "tails"}

    @pytest.mark.parametrize("seed", range(5))
    def test_the_index_is_that_of_the_latest_versions(self, seed: int, kennels: Tenant) -> None:
        """Random writes leave what writing the latest version of each copy alone would leave."""
        chance = random.Random(seed)
        copies = [uuid4() for _ in range(3)]
        latest: dict[UUID, Entry] = {}

        for _ in range(25):
            chosen = [
                Entry(
                    copy_id=copy_id,
                    version=chance.randint(1, 12),
                    release_id=chance.randint(1, 2),
                    texts=Texts(
                        *(
                            " ".join(chance.sample(["happy", "tails", "quiet", "paws", "43215"], chance.randint(0, 2)))
                            for _ in range(4)
                        )
                    ),
                )
                for copy_id in chance.sample(copies, chance.randint(1, 3))
            ]
            taken = [one for one in chosen if one.copy_id not in latest or latest[one.copy_id].version <= one.version]
            latest |= {one.copy_id: one for one in taken}
            assert write_entries(chosen, tenant=kennels) == len(taken)

        for copy_id, expected in latest.items():
            stored = {word: tuple(values[:2]) for word, values in rows_of_words(kennels, copy_id).items()}
            assert stored == {word: tuple(weight) for word, weight in expected.words.items()}
            with use_tenant(kennels):
                known = SearchEntry.objects.filter(pk=copy_id).values_list("version", "release_id").get()
            assert known == (expected.version, expected.release_id)
        with use_tenant(kennels):
            spelled = set(SearchSpelling.objects.values_list("trigram", "word"))
        assert spelled >= {
            (trigram, word) for one in latest.values() for word in one.words for trigram in trigrams_of(word)
        }


def test_the_migration_creates_the_functions_of_the_program() -> None:
    created = import_module("search.migrations.0002_kept_plans").FUNCTIONS

    assert created == [plan.name for plan in (TO_INDEX, KEEP_WORDS, WRITE_WORDS)]
