"""Editing draft rows: the fault of an expression is reported at its field."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from carriers.models import CarrierProduct, PayloadField, ProductRule, RateTable, RateTerm, SurplusRule
from catalogue.checks import check_row, pool_circle
from catalogue.demo import CATALOGUE_FILE
from catalogue.drafts import read_draft
from catalogue.files import read_catalogue
from catalogue.loader import load
from catalogue.models import ChoiceList, DerivedValue, FormRule, LineOfBusiness, Question, QuestionSet
from catalogue.releases import check_draft
from rules.definition.faults import CatalogueErrors
from tests.harness.boarding_files import BOARDING
from tests.harness.tiers import amount

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue():
    return load(read_catalogue(BOARDING))


def refused(row):
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return caught.value.message_dict


def test_every_row_of_the_demo_passes():
    load(read_catalogue(CATALOGUE_FILE))

    step = amount(15, full=1)
    for model in (QuestionSet, Question, DerivedValue, FormRule, LineOfBusiness):
        for row in model.objects.all()[::step]:
            row.full_clean()
    for model in (RateTerm, RateTable, ProductRule):
        for row in model.objects.all()[::step]:
            row.full_clean()
            check_row(row)
    for row in PayloadField.objects.select_related("product").filter(product__code__in=("LF-BOP", "GF-AUTO"))[::step]:
        row.full_clean()
        check_row(row)
    for row in SurplusRule.objects.all():
        row.full_clean()


def test_an_unknown_question_is_reported_at_the_condition(catalogue):
    row = Question.objects.get(code="night_watch")
    row.when = "turnove > 5"

    assert refused(row) == {"when": ["Column 1: There is no 'turnove' here. Did you mean 'turnover'?"]}


@pytest.mark.parametrize(
    ("model", "find", "field", "value", "words"),
    [
        (Question, {"code": "run_places"}, "when", "run_size > 5", ">"),
        (Question, {"code": "night_watch"}, "when", "run_size == 'small'", "run_size"),
        (Question, {"code": "turnover"}, "validate", ["minn:0"], "minn"),
        (QuestionSet, {"code": "kennels"}, "when", "turnover", "number"),
        (QuestionSet, {"code": "kennels"}, "pool_parent", "runs", "itself"),
        (QuestionSet, {"code": "kennels"}, "pool_parent", "cages", "cages"),
        (DerivedValue, {"code": "places"}, "value", "sum(runs.map(r, r.run_size))", "sum"),
        (FormRule, {"code": "F1"}, "when", "places >", "CEL"),
        (LineOfBusiness, {"code": "care"}, "states", "region", "list"),
        (LineOfBusiness, {"code": "care"}, "industry", "turnover", "text"),
    ],
)
def test_a_faulty_field_is_named(catalogue, model, find, field, value, words):
    row = model.objects.get(**find)
    setattr(row, field, value)

    faults = refused(row)

    assert list(faults) == [field]
    assert words in faults[field][0]


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (RateTerm, "of", "turnove"),
        (RateTable, "amount", "run_placs"),
        (RateTable, "times", "run_places"),
        (ProductRule, "when", "region"),
    ],
)
def test_carriers_rows_are_checked_when_they_are_edited(catalogue, model, field, value):
    row = model.objects.first()
    setattr(row, field, value)

    with pytest.raises(ValidationError) as caught:
        check_row(row)

    assert list(caught.value.message_dict) == [field]


def test_a_row_of_a_pool_reads_its_own_answers(catalogue):
    row = Question.objects.get(code="run_places")
    row.when = "run_size == 'large' && turnover > 5"

    row.full_clean()


def test_a_code_of_another_set_is_refused(catalogue):
    row = Question(question_set=QuestionSet.objects.get(code="kennels"), code="trade", label="Trade", type="text")

    assert list(refused(row)) == ["code"]


def test_choices_belong_to_choice_questions_of_the_same_catalogue(catalogue):
    other = load(read_catalogue(BOARDING.replace("code: pet_boarding", "code: cat_boarding")))
    row = Question.objects.get(catalogue=catalogue, code="run_size")

    row.choices = ChoiceList.objects.get(catalogue=other, code="sizes")
    assert list(refused(row)) == ["choices"]
    row.choices = None
    assert list(refused(row)) == ["choices"]


def test_a_row_without_its_parent_is_not_checked():
    check_row(Question(code="a", label="A", type="text", when="nothing > 5"))
    check_row(ProductRule(code="a", when="nothing > 5"))
    check_row(ProductRule(product=CarrierProduct(catalogue="unknown"), code="a", when="nothing > 5"))


def test_a_draft_with_pools_in_a_circle_can_still_be_edited(catalogue):
    QuestionSet.objects.filter(code="kennels").update(pool_parent="runs")
    row = Question.objects.get(code="night_watch")

    row.full_clean()


@pytest.mark.parametrize(
    ("pool", "parent", "parents", "circle"),
    [
        ("a", "", {"a": ""}, False),
        ("b", "a", {"a": "", "b": "a"}, False),
        ("a", "a", {"a": "a"}, True),
        ("a", "b", {"a": "b", "b": "a"}, True),
        ("c", "a", {"a": "b", "b": "a", "c": "a"}, True),
    ],
)
def test_pool_circles(pool, parent, parents, circle):
    assert pool_circle(pool, parent, parents) is circle


def payload_field(name, *, value="", pool=""):
    return PayloadField(product=CarrierProduct.objects.get(code="PAW-CARE"), name=name, value=value, pool=pool)


def test_a_field_of_a_payload_is_checked_in_its_rows(catalogue):
    payload_field("runs", pool="runs").save()

    check_row(payload_field("runs.size", value="run_size"))
    for name, value in (("size", "run_size"), ("runs.size", "run_sizes"), ("places", "runs")):
        with pytest.raises(ValidationError) as caught:
            check_row(payload_field(name, value=value))
        assert list(caught.value.message_dict) == ["value"]


@pytest.mark.parametrize(("value", "pool"), [("", ""), ("turnover", "runs")])
def test_a_field_of_a_payload_has_a_value_or_rows(catalogue, value, pool):
    assert "value" in refused(payload_field("a", value=value, pool=pool))


def test_fields_without_their_rows_are_a_fault_when_the_draft_is_checked(catalogue):
    payload_field("runs.size", value="run_size").save()

    with pytest.raises(CatalogueErrors) as caught:
        check_draft(read_draft(catalogue))

    assert ("bad_code", "products[PAW-CARE].payload.quote[runs.size]") in [
        (fault.code, fault.where) for fault in caught.value.faults
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"needs": "declines"}, "declines"),
        ({"needs": "none", "declines": 2}, "declines"),
        ({"since": date(2026, 2, 1), "until": date(2026, 1, 1)}, "until"),
    ],
)
def test_a_surplus_rule_is_complete(catalogue, changes, field):
    assert field in refused(SurplusRule(catalogue="pet_boarding", code="SL", **changes))
