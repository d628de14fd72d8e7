"""Publishing: a release is checked, compiled, immutable, and used by every process at once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisGone

from carriers.models import Carrier
from catalogue import release_pointer, releases
from catalogue.files import read_catalogue
from catalogue.loader import load
from catalogue.models import Catalogue, Question, Release
from catalogue.release_pointer import Pointer
from rules.definition.faults import CatalogueErrors
from tests.harness.boarding_files import BOARDING
from tests.harness.first_releases import publish_first
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.moments import DATED

CARRIER_FIELDS = [field.name for field in Carrier._meta.concrete_fields if field.name != "id"]
OTHER_TITLE = BOARDING.replace("title: Boarding of pets", "title: Boarding of cats")


@pytest.fixture(autouse=True)
def _fresh_process():
    """Clear the releases of earlier tests from memory."""
    releases.forget_compiled_releases()
    redis = get_redis_connection("default")
    redis.delete(*redis.keys(f"release:{connection.settings_dict['NAME']}:*") or ["-"])


@pytest.fixture
def catalogue(db):
    return load(read_catalogue(BOARDING))


def publish(catalogue, **options):
    return releases.publish(catalogue, actor_id="tester", **options)


def test_a_release_equals_the_draft(catalogue):
    release = publish(catalogue, notes="First")

    assert (release.number, release.notes, release.published_by_id) == (1, "First", "tester")
    assert releases.read_definition(release) == read_catalogue(BOARDING)
    current = releases.current("pet_boarding")
    assert (current.id, current.number, current.catalogue_code) == (release.id, 1, "pet_boarding")
    assert current.compiled.definition == read_catalogue(BOARDING)


@pytest.mark.parametrize("definition", [KENNELS, DATED], ids=["kennels", "dated"])
def test_the_first_release_of_most_tests_is_the_one_that_publishing_makes(db, definition):
    made = publish_first(definition)
    carriers = list(Carrier.objects.values(*CARRIER_FIELDS))

    published = publish(load(definition))

    assert published == made
    assert releases.read_definition(published) == definition
    assert list(Carrier.objects.values(*CARRIER_FIELDS)) == carriers != []


def test_publishing_the_same_again_is_no_new_release(catalogue):
    first = publish(catalogue)

    again = publish(load(read_catalogue(BOARDING)), notes="Again")

    assert again == first
    assert Release.objects.count() == 1


def test_a_changed_draft_is_the_next_release_and_the_old_one_stays(catalogue):
    first = publish(catalogue)

    second = publish(load(read_catalogue(OTHER_TITLE)))

    assert second.number == 2
    assert releases.current("pet_boarding").id == second.id
    assert releases.get(first.id).compiled.definition.title == "Boarding of pets"
    assert releases.get(second.id).compiled.definition.title == "Boarding of cats"


def test_returning_to_an_older_draft_is_a_new_release(catalogue):
    publish(catalogue)
    publish(load(read_catalogue(OTHER_TITLE)))

    third = publish(load(read_catalogue(BOARDING)))

    assert third.number == 3
    assert releases.current("pet_boarding").compiled.definition.title == "Boarding of pets"


def test_a_faulty_draft_publishes_nothing(catalogue):
    first = publish(catalogue)
    Question.objects.filter(code="night_watch").update(when="turnove > 1")

    with pytest.raises(CatalogueErrors) as caught:
        publish(catalogue)

    assert [fault.where for fault in caught.value.faults] == ["question_sets[start].questions[night_watch].when"]
    assert Release.objects.count() == 1
    assert releases.current("pet_boarding").id == first.id


def test_catalogues_are_independent(catalogue):
    publish(catalogue)
    other = publish(load(read_catalogue(BOARDING.replace("code: pet_boarding", "code: cat_boarding"))))

    assert other.number == 1
    assert releases.current("cat_boarding").id == other.id
    assert releases.current("pet_boarding").id != other.id


def test_an_unpublished_catalogue_has_no_release(catalogue):
    for find in (
        lambda: releases.current("pet_boarding"),
        lambda: releases.current("unknown"),
        lambda: releases.get(2**31 - 1),
    ):
        with pytest.raises(releases.NoRelease):
            find()


@pytest.mark.parametrize("change", [{"notes": "Changed"}, {"content": b""}, {"number": 7}])
def test_the_database_refuses_to_change_a_release(catalogue, change):
    release = publish(catalogue)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Release.objects.filter(pk=release.pk).update(**change)

    assert releases.read_definition(Release.objects.get()) == read_catalogue(BOARDING)


def test_the_database_refuses_to_remove_a_release(catalogue):
    release = publish(catalogue)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        release.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Catalogue.objects.filter(pk=catalogue.pk).delete()

    assert Release.objects.count() == 1


def test_compiled_once_a_process(catalogue, monkeypatch, django_assert_num_queries):
    publish(catalogue)
    first = releases.current("pet_boarding")

    with django_assert_num_queries(0):
        assert releases.current("pet_boarding") is first


def test_without_redis_the_database_decides(catalogue, monkeypatch):
    publish(catalogue)

    class Away:
        def __getattr__(self, name):
            raise RedisGone("away")

    monkeypatch.setattr(release_pointer, "_redis", Away)
    second = publish(load(read_catalogue(OTHER_TITLE)))

    assert releases.current("pet_boarding").id == second.id


@pytest.mark.parametrize("said", ["999999", "nonsense", ""])
def test_a_release_id_of_another_database_is_corrected(catalogue, said):
    release = publish(catalogue)
    redis = get_redis_connection("default")
    key = release_pointer._key("pet_boarding")
    redis.set(key, said)

    assert releases.current("pet_boarding").id == release.id
    assert redis.get(key) == str(release.id).encode()


def test_the_slower_of_two_publishers_does_not_win(catalogue):
    first = publish(catalogue)
    second = publish(load(read_catalogue(OTHER_TITLE)))

    release_pointer.set_pointer("pet_boarding", Pointer(first.id, first.id))

    assert releases.current("pet_boarding").id == second.id


@pytest.mark.django_db(transaction=True)
def test_publishing_inside_a_transaction_is_refused():
    catalogue = load(read_catalogue(BOARDING))

    with pytest.raises(RuntimeError), transaction.atomic():
        publish(catalogue)

    assert not Release.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_publishers_at_once_make_one_release():
    catalogue = load(read_catalogue(BOARDING))

    def publish_apart(_):
        try:
            return publish(catalogue).id
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(publish_apart, range(8)))

    assert len(ids) == 1
    assert Release.objects.count() == 1


_WATCHER = """
import sys, django
django.setup()
from catalogue import releases
for line in sys.stdin:
    try:
        print(releases.current("pet_boarding").number, flush=True)
    except releases.NoRelease:
        print("none", flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_another_process_sees_a_publish_at_once():
    settings = connection.settings_dict
    url = (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    )
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATABASE_URL": url},
    )

    def seen():
        watcher.stdin.write("?\n")
        watcher.stdin.flush()
        return watcher.stdout.readline().strip()

    with watcher:
        assert seen() == "none"
        publish(load(read_catalogue(BOARDING)))
        assert seen() == "1"
        publish(load(read_catalogue(OTHER_TITLE)))
        assert seen() == "2"
        watcher.stdin.close()
