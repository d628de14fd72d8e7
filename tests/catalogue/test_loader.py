"""Loading replaces a catalogue's draft as a whole, and the draft reads back as the loaded definition."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from carriers.models import Carrier, CarrierProduct, ProductRule, RateEntry
from catalogue.demo import CATALOGUE_FILE
from catalogue.files import read_catalogue, write_catalogue
from catalogue.loader import load, read_draft
from catalogue.models import Catalogue, Choice, Question, QuestionSet
from catalogue.strict_check import check_catalogue
from tests.harness.boarding_files import BOARDING

pytestmark = pytest.mark.django_db


#: The catalogue with keys that it does not have otherwise.
LATER = (
    BOARDING.replace(
        "type: date, required: bind}", "type: date, required: {quote: night_watch, bind: answered(trade)}}"
    )
    .replace("label: Places in all}", "label: Places in all, show: true}")
    .replace("title_question: kennel_name\n", "title_question: kennel_name\nindustry_question: trade\n")
    .replace("key: [run_name]}\n", "key: [run_name], noun: run}\n  same_as_label: As the kennel\n")
    .replace("code: run_name,", "code: run_name, width: third, same_as: [kennel_name],")
    .replace("code: run_size,", "code: run_size, below: run_name, address: state,")
    .replace("of: turnover}", "of: turnover, label: Turnover of the kennel}")
    .replace("reason: run_size", "reason: run_size\n      label: Places by size")
    .replace("id: watched,", "id: watched, label: Night watch,")
)


@pytest.mark.parametrize("source", [CATALOGUE_FILE, BOARDING, LATER], ids=["demo", "boarding", "later"])
def test_a_loaded_definition_reads_back_the_same(source):
    definition = read_catalogue(source)

    catalogue = load(definition)

    draft = read_draft(Catalogue.objects.get(pk=catalogue.pk))
    assert draft == definition
    assert write_catalogue(draft) == write_catalogue(definition)


def test_a_draft_is_read_in_composed_form():
    catalogue = load(read_catalogue(BOARDING))
    Choice.objects.filter(code="small").update(code="e\u0301te\u0301", label="E\u0301te\u0301")
    RateEntry.objects.filter(code="small").update(code="e\u0301te\u0301")

    draft = read_draft(catalogue)

    assert draft.choices["sizes"]["été"] == "Été"
    assert "été" in draft.products[0].rating.tables[0].rates
    check_catalogue(draft)


def test_loading_again_replaces_the_draft_and_nothing_else():
    load(read_catalogue(CATALOGUE_FILE))
    first = load(read_catalogue(BOARDING))
    changed = read_catalogue(BOARDING.replace("P1, when", "P9, when").replace("title: Runs", "title: Kennel runs"))

    again = load(changed)

    assert again.pk == first.pk
    assert read_draft(again) == changed
    assert read_draft(Catalogue.objects.get(code="demo_small_commercial")) == read_catalogue(CATALOGUE_FILE)


def test_a_failing_load_leaves_the_old_draft(monkeypatch):
    catalogue = load(read_catalogue(BOARDING))
    before = read_draft(catalogue)
    monkeypatch.setattr(ProductRule.objects, "bulk_create", lambda rows: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        load(read_catalogue(BOARDING.replace("title: Runs", "title: Kennel runs")))

    assert read_draft(catalogue) == before


def test_the_number_of_queries_does_not_grow_with_the_catalogue(django_assert_num_queries):
    small, big = load(read_catalogue(BOARDING)), load(read_catalogue(CATALOGUE_FILE))

    for catalogue in (small, big):
        with django_assert_num_queries(17):
            read_draft(catalogue)


def test_loading_is_a_bounded_number_of_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(60):
        load(read_catalogue(CATALOGUE_FILE))


def test_a_question_code_is_unique_in_the_catalogue_not_beyond():
    catalogue = load(read_catalogue(BOARDING))
    load(read_catalogue(BOARDING.replace("code: pet_boarding", "code: other_boarding")))
    other_set = QuestionSet.objects.get(catalogue=catalogue, code="kennels")

    with pytest.raises(IntegrityError, match="question_code_once"), transaction.atomic():
        Question.objects.create(question_set=other_set, code="trade", label="Trade", type="text")

    assert Question.objects.filter(code="trade").count() == 2
    assert set(Question.objects.filter(code="trade").values_list("catalogue__code", flat=True)) == {
        "pet_boarding",
        "other_boarding",
    }


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Carrier, {"catalogue": "pet_boarding", "code": "PAW", "name": "Again"}),
        (CarrierProduct, {"catalogue": "pet_boarding", "code": "PAW-CARE", "line": "care"}),
        (QuestionSet, {"code": "start", "title": "Again"}),
        (QuestionSet, {"code": "new", "title": "Again", "pool_code": "runs"}),
    ],
)
def test_codes_are_unique_by_the_database(model, fields):
    catalogue = load(read_catalogue(BOARDING))
    given = dict(fields)
    if model is CarrierProduct:
        given["carrier"] = Carrier.objects.get(code="PAW")
    if model is QuestionSet:
        given["catalogue"] = catalogue

    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**given)


def test_codes_are_unique_within_a_list():
    load(read_catalogue(BOARDING))

    with pytest.raises(IntegrityError), transaction.atomic():
        Choice.objects.create(choice_list=Choice.objects.get(code="small").choice_list, code="small", label="Again")
    with pytest.raises(IntegrityError), transaction.atomic():
        RateEntry.objects.create(table=RateEntry.objects.get(code="small").table, code="small", rate=1)


def test_the_fewest_rows_are_not_more_than_the_most():
    row = QuestionSet.objects.get(code="kennels") if load(read_catalogue(BOARDING)) else None
    row.pool_min = 31

    with pytest.raises(ValidationError, match="minimum must not be greater"):
        row.full_clean()


@pytest.mark.django_db(transaction=True)
def test_loads_at_once_leave_one_whole_draft():
    definitions = [read_catalogue(BOARDING.replace("title: Runs", f"title: Runs {number}")) for number in range(4)]

    def load_apart(definition):
        try:
            load(definition)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_apart, definitions))

    assert read_draft(Catalogue.objects.get()) in definitions
