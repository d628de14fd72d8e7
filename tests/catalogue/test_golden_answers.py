"""What golden cases take from a document: answers that rules read, and none that is personal, secret or free text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogue.golden_answers import FREE_TYPES, Row, answers_of, document_of, read_answers, refused_codes
from copies.document import Answer, Document, PoolRow
from rules.definition.catalogue import ProductRule
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import ProductOutcome
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import with_sensitivity
from tests.harness.moments import with_rule

DAY = date(2026, 6, 1)
READING = with_rule(
    KENNELS,
    ProductRule(id="P7", when='owner_phone != "" || kennel_name == "X" || owner_ssn == ""', then="refer", why="-"),
)
COMPILED = compile_catalogue(READING)


def hides(path: str, answer: Answer) -> bool:
    return bool(COMPILED.questions[path.rpartition("/")[2]].question.sensitivity)


def test_what_a_document_knows_of_a_person_is_left_out_and_named() -> None:
    document = Document(
        answers={
            "kennel_name": Answer(value="Happy Tails"),
            "owner_ssn": Answer(sealed=b"-", mask="***"),
            "owner_phone": Answer(value="+16142013344", tag="pii"),
            "state": Answer(value="TX"),
            "gone": Answer(value="of an earlier release"),
        },
        answer_pools={
            "houses": [PoolRow(id="1", answers={"house_name": Answer(value="North"), "runs": Answer(value=3)})],
            "gone": [PoolRow(id="2")],
        },
        forced_excluded_products=["WO-CARE"],
    )

    taken = answers_of(COMPILED, document, hides=hides)

    assert (taken.answers, taken.excluded) == ({"state": "TX"}, ["WO-CARE"])
    assert taken.answer_pools == {"houses": [Row(answers={"runs": 3})]}
    assert taken.left_out == ("kennel_name", "owner_ssn", "owner_phone")


def test_a_sealed_answer_is_left_out_even_if_nobody_hides_it() -> None:
    document = Document(answers={"cat_count": Answer(sealed=b"-", mask="***")})

    taken = answers_of(COMPILED, document, hides=lambda path, answer: False)

    assert (taken.answers, taken.left_out) == ({}, ("cat_count",))


answers = st.fixed_dictionaries(
    {},
    optional={
        "kennel_name": st.just("Happy Tails"),
        "owner_phone": st.just("+16142013344"),
        "lines": st.lists(st.sampled_from(("care", "premises")), unique=True),
        "state": st.sampled_from(("TX", "OH")),
        "trade": st.just("812910"),
        "has_cats": st.booleans(),
        "cat_count": st.sampled_from((1, 60, 200)),
    },
)


@given(answers, st.lists(st.sampled_from((5, 60)), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_case_is_decided_as_the_document_without_what_it_leaves_out(
    given: dict[str, object], runs: list[int]
) -> None:
    """Row ids and unread answers make no difference."""
    rows = [PoolRow(id=f"7{place}", answers={"runs": Answer(value=count)}) for place, count in enumerate(runs)]
    document = Document(
        answers={code: Answer(value=value) for code, value in given.items()},
        answer_pools={"houses": rows} if rows else {},
    )
    compiled = compile_catalogue(KENNELS)

    taken = answers_of(compiled, document, hides=hides)
    stored = read_answers(taken.plain["answers"], taken.plain["answer_pools"], taken.plain["excluded"])

    for code in taken.left_out:
        document.answers.pop(code)
    outcomes = [
        {code: (one.outcome, one.premium, one.reasons) for code, one in _decided(compiled, form).items()}
        for form in (document_of(stored), document)
    ]
    assert outcomes[0] == outcomes[1]
    assert not [code for code in taken.answers if compiled.questions[code].question.type in FREE_TYPES]


def _decided(compiled: CompiledCatalogue, form: Document) -> Mapping[str, ProductOutcome]:
    result = check_flow.run(compiled, form, as_of=DAY, release=0, reveal=lambda path, answer: answer.value)
    return result.evaluation.eligibility


def test_edited_answers_are_refused_by_the_present_release() -> None:
    stricter = compile_catalogue(with_sensitivity(replace(READING, title="-"), cat_count="pii"))
    stored = read_answers({"cat_count": 3, "state": "TX", "kennel_name": "X", "dogs": 2}, {}, [])

    assert refused_codes(stricter, document_of(stored)) == ["kennel_name", "cat_count", "dogs"]
