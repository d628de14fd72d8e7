"""The search: at once after a save, from the index, with misspelled words, ids and rights, within one tenant."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.models import OutboxAction
from batch import service as batch
from copies.models import Copy
from forms.selectors import list_forms
from search import form_search
from search.form_search import Ranked, pending_entries, rank_forms, search_forms
from search.indexer import index_copies
from search.models import SearchWord
from search.queries import find_hits
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.kennel_forms import agent, kennels, make_form  # noqa: F401

pytestmark = pytest.mark.django_db

Make = Callable[..., UUID]


@pytest.fixture(params=["pending", "indexed"])
def settle(request: pytest.FixtureRequest, kennels: Tenant) -> Callable[[], None]:  # noqa: F811
    """Return a function that updates the index as the relay does, or leaves all copies waiting: both must find the
    same.
    """

    def index() -> None:
        if request.param == "pending":
            return
        with use_tenant(kennels):
            index_copies(list(Copy.objects.values_list("pk", flat=True)), tenant=kennels)
            OutboxAction.objects.all().delete()

    return index


def found(tenant: Tenant, text: str, *, personal: bool = True) -> list[UUID]:
    with use_tenant(tenant):
        ranked = [one.copy_id for one in rank_forms(list_forms(), text, personal=personal, limit=50)]
        narrowed = search_forms(list_forms(), text, personal=personal)
        assert set(ranked) == {copy.pk for copy in narrowed}
        return ranked


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("copper kettle", True),
        ("KETTLE, copper!", True),
        ("kett cop", True),
        ("Coper Kettel", True),
        ("copper kettel", True),
        ("kennel boarding of zebras", False),
        ("copper tails", False),
        ("oppe", False),
    ],
)
def test_a_form_is_found_by_words_prefixes_and_misspellings(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
    text: str,
    is_found: bool,
) -> None:
    kettle = make_form({"kennel_name": "Copper Kettle Kennels"})
    make_form()
    settle()

    assert found(kennels, text) == ([kettle] if is_found else [])


def test_whole_words_rank_above_prefixes_and_names_above_other_answers(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
) -> None:
    beginning = make_form({"kennel_name": "Coppersmith"})
    whole = make_form({"kennel_name": "The Copper"})
    personal = make_form({"owner_phone": "(614) 201-3344", "kennel_name": "Quiet Paws"})
    settle()

    assert found(kennels, "copper") == [whole, beginning]
    assert found(kennels, "6142013344") == [personal]


def test_personal_answers_are_found_only_with_the_right_and_sensitive_ones_never(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
) -> None:
    form_id = make_form({"owner_phone": "(614) 201-3344", "owner_ssn": "078-05-1120"})
    settle()

    assert found(kennels, "6142013344") == [form_id]
    assert found(kennels, "6142013344", personal=False) == []
    for text in ("078-05-1120", "078051120", "1120", "05"):
        assert found(kennels, text) == []


@pytest.mark.parametrize("length", [4, 8, 13, 18, 36])
def test_ids_and_their_beginnings_are_found(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    agent: Actor,  # noqa: F811
    settle: Callable[[], None],
    length: int,
) -> None:
    form_id = make_form()
    with batch.build_copy(form_id, scope=kennels, actor=agent, title="What if") as context:
        context.save()
        copy_id = context.copy.id
    settle()

    # The listed copy is the one touched last; its form's id leads to it too.
    assert found(kennels, str(form_id)[:length]) == [copy_id]
    assert found(kennels, str(copy_id)[:length].upper()) == [copy_id]
    assert found(kennels, f"{str(form_id)[:length]} happy") == [copy_id]
    assert found(kennels, "ffffffff") == []


def test_a_change_is_found_at_once_and_the_former_words_are_not(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    agent: Actor,  # noqa: F811
    settle: Callable[[], None],
) -> None:
    form_id = make_form()
    settle()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("kennel_name").apply("Quiet Paws")
        context.save()

    assert found(kennels, "paws") == [form_id]
    assert found(kennels, "tails") == []
    settle()
    assert found(kennels, "paws") == [form_id]
    assert found(kennels, "tails") == []


def test_of_many_waiting_copies_the_latest_are_found_at_once(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(form_search, "MOST_PENDING", 2)
    made = [make_form() for _ in range(3)]

    with use_tenant(kennels):
        assert {entry.copy_id for entry in pending_entries()} == set(made[1:])
    assert set(found(kennels, "happy")) == set(made[1:])


def test_nothing_of_another_tenant_is_found(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
) -> None:
    form_id = make_form()
    settle()
    stranger = Tenant.objects.create(code="stranger", name="Stranger")

    for text in ("happy", "hapy", str(form_id), str(form_id)[:8]):
        assert found(stranger, text) == []
    with use_tenant(stranger):
        assert SearchWord.unscoped_objects.count() == 0  # row-level security, below the managers
    with across_tenants(using="default"):
        assert [copy.pk for copy in search_forms(list_forms(), "hapy tails", personal=False)] == [form_id]


def test_more_matches_than_fit_in_memory_give_the_same(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("Copper One", "Copper Two", "Coppery Three", "Silver"):
        make_form({"kennel_name": name})
    settle()
    few = found(kennels, "copper")
    monkeypatch.setattr("search.queries.MOST_IDS", 1)

    assert found(kennels, "copper") == few
    assert len(few) == 3
    with use_tenant(kennels):
        first = rank_forms(list_forms(), "copper", personal=True, limit=2)
        rest = rank_forms(list_forms(), "copper", personal=True, limit=2, after=first[-1])
        assert [one.copy_id for one in (*first, *rest)] == few
        assert rank_forms(list_forms(), "copper", personal=True, limit=2, offset=2) == rest
        assert all(isinstance(one, Ranked) for one in first)


def test_without_words_all_or_nothing_is_found(make_form: Make, kennels: Tenant) -> None:  # noqa: F811
    form_id = make_form()

    with use_tenant(kennels):
        assert search_forms(list_forms(), "  ", personal=True).get().pk == form_id
        assert not search_forms(list_forms(), "—", personal=True).exists()
        assert rank_forms(list_forms(), "%", personal=True, limit=5) == []


@pytest.mark.parametrize("most", [2_000, 2, 1])
def test_a_rare_word_finds_the_same_as_all_words_together(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    settle: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    named = {
        name: make_form({"kennel_name": name}) for name in ("Copper One", "Copper Two", "Coppery Twofold", "Silver Two")
    }
    settle()
    monkeypatch.setattr("search.queries.MOST_IDS", most)

    assert set(found(kennels, "copper two")) == {named["Copper Two"], named["Coppery Twofold"]}
    assert found(kennels, "copper two")[0] == named["Copper Two"]
    assert found(kennels, "silver copper") == []
    assert found(kennels, f"{str(named['Copper One'])[:13]} copper one") == [named["Copper One"]]
    assert set(found(kennels, "Coper Towfold")) == {named["Coppery Twofold"]}


def test_where_one_word_is_rare_only_its_copies_are_read(make_form: Make, kennels: Tenant) -> None:  # noqa: F811
    form_id = make_form({"kennel_name": "Copper Two"})
    for _ in range(3):
        make_form({"kennel_name": "Silver Two"})
    with use_tenant(kennels):
        index_copies(list(Copy.objects.values_list("pk", flat=True)), tenant=kennels)
        OutboxAction.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            hits = find_hits("two copper", sees_personal=True)

    assert list(hits.scores or ()) == [form_id]
    search = queries.captured_queries[-1]["sql"]
    assert search.count("w.copy_id = ANY(") == 2
    assert search.replace("-", "").count(form_id.hex) == 2


def test_a_copy_with_several_matching_words_counts_once(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = {make_form({"kennel_name": "Copper Coppersmith Two"}) for _ in range(2)}
    for _ in range(3):
        make_form({"kennel_name": "Silver Two"})
    monkeypatch.setattr("search.queries.MOST_IDS", 2)
    with use_tenant(kennels):
        index_copies(list(Copy.objects.values_list("pk", flat=True)), tenant=kennels)
        OutboxAction.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            hits = find_hits("copper two", sees_personal=True)

    assert set(hits.scores or ()) == both
    assert queries.captured_queries[-1]["sql"].count("w.copy_id = ANY(") == 2


def test_a_word_that_no_copy_has_ends_the_search_after_the_first_statement(
    make_form: Make,  # noqa: F811
    kennels: Tenant,  # noqa: F811
) -> None:
    make_form({"kennel_name": "Copper Two"})
    with use_tenant(kennels):
        index_copies(list(Copy.objects.values_list("pk", flat=True)), tenant=kennels)
        OutboxAction.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            hits = find_hits("copper qqqqqq", sees_personal=True)

    assert hits.scores == {}
    assert [query["sql"] for query in queries.captured_queries if "HAVING count(*)" in query["sql"]] == []
