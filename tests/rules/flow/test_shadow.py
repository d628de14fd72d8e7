"""Shadow rules are decided, and change nothing: neither outcomes nor prices, messages, payloads or what is needed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from copies.document import Answer, Document, PoolRow
from rules.definition import compiler
from rules.definition.catalogue import CatalogueDefinition, FormRule, ProductRule, without_shadow
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.flow import check_flow
from rules.flow.shadow import shadow_results
from rules.flow.shown_questions import decide
from rules.flow.state import State
from tests.harness.kennel_catalogue import KENNELS

DAY = date(2026, 6, 1)
PLAIN = compile_catalogue(KENNELS)
CONDITIONS = (
    "true",
    "cat_count > 10",
    'state == "TX"',
    "has_cats && cat_count > 3",
    "houses.exists(h, h.runs > 5 && h.fences.exists(f, f.fence_feet < 4.0))",
    'kennel_name == "Happy Tails"',
    'owner_ssn != ""',
)

product_rules = st.builds(
    lambda number, when, then: ProductRule(
        id=f"S{number}", when=when, then=then, why="-", set={"cat_count": 1} if then == "adjust" else {}, shadow=True
    ),
    st.integers(1, 10_000),
    st.sampled_from(CONDITIONS),
    st.sampled_from(("decline", "refer", "adjust")),
)
form_rules = st.builds(
    lambda number, place, then: FormRule(id=f"F{number}", when=place[1], then=then, at=place[0], say="-", shadow=True),
    st.integers(1, 10_000),
    st.sampled_from((("cat_count", "cat_count > 2"), ("runs", "runs > 5"), ("fences", "has_cats"))),
    st.sampled_from(("error", "warn", "message", "task")),
)


@st.composite
def shadowed(draw: Any) -> CatalogueDefinition:
    """Return the kennels with shadow rules among the others."""
    unique: Any = {"max_size": 4, "unique_by": lambda rule: rule.id}
    first, second = KENNELS.products
    own = draw(st.permutations((*first.rules, *draw(st.lists(product_rules, **unique)))))
    others = draw(st.lists(product_rules.map(lambda rule: replace(rule, id=f"W{rule.id}")), **unique))
    messages = draw(st.permutations((*KENNELS.form_rules, *draw(st.lists(form_rules, **unique)))))
    # The rules with an effect keep their order.
    own = tuple(sorted(own, key=lambda rule: (not rule.shadow and list(first.rules).index(rule)) or 0))
    return replace(
        KENNELS,
        form_rules=tuple(messages),
        products=(replace(first, rules=own), replace(second, rules=tuple(others))),
    )


def answers(**kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Answer]]:
    values = st.fixed_dictionaries({}, optional=kinds)
    return values.map(lambda given: {code: Answer(value=value) for code, value in given.items()})


fences = st.lists(answers(fence_feet=st.sampled_from((3, 6.5))), max_size=2)
houses = st.tuples(answers(runs=st.sampled_from((2, 20, 60)), house_name=st.just("North")), fences)
top = answers(
    kennel_name=st.sampled_from(("Happy Tails", "Other")),
    lines=st.lists(st.sampled_from(("care", "premises")), unique=True),
    state=st.sampled_from(("TX", "OH")),
    trade=st.just("812910"),
    has_cats=st.booleans(),
    cat_count=st.sampled_from((1, 11, 200)),
    owner_ssn=st.just("078-05-1120"),
)


def document(own: dict[str, Answer], rows: list[Any]) -> Document:
    pools = [
        PoolRow(
            id=f"h{place}",
            answers=answers,
            answer_pools={"fences": [PoolRow(id=f"h{place}f{at}", answers=row) for at, row in enumerate(below)]},
        )
        for place, (answers, below) in enumerate(rows)
    ]
    return Document(answers=own, answer_pools={"houses": pools} if pools else {})


def reveal(path: str, answer: Answer) -> Any:
    return answer.value


@given(shadowed(), top, st.lists(houses, max_size=2))
@settings(max_examples=60, deadline=None)
def test_a_catalogue_with_shadow_rules_decides_as_one_without(
    definition: CatalogueDefinition, own: dict[str, Answer], rows: list[Any]
) -> None:
    compiled, form = compile_catalogue(definition), document(own, rows)

    result = check_flow.run(compiled, form, as_of=DAY, release=7, reveal=reveal)

    assert result == check_flow.run(PLAIN, form, as_of=DAY, release=7, reveal=reveal)
    assert compiled.definition == KENNELS
    assert compiled.dependents.readers == PLAIN.dependents.readers
    assert compiled.day == PLAIN.day
    assert {code for code, one in compiled.questions.items() if one.is_read} == {
        code for code, one in PLAIN.questions.items() if one.is_read
    }
    for code, product in compiled.products.items():
        assert [field.name for field in product.payload.quote.fields] == [
            field.name for field in PLAIN.products[code].payload.quote.fields
        ]


@pytest.mark.slow
def test_a_compiler_that_keeps_shadow_rules_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = ProductRule(id="S1", when="true", then="decline", why="-", shadow=True)
    form = document({"lines": Answer(value=["care"])}, [])
    monkeypatch.setattr(compiler, "without_shadow", lambda definition: definition)

    result = check_flow.run(compile_catalogue(with_shadow(rule)), form, as_of=DAY, release=7, reveal=reveal)

    assert result != check_flow.run(PLAIN, form, as_of=DAY, release=7, reveal=reveal)


def with_shadow(*rules: ProductRule, messages: tuple[FormRule, ...] = ()) -> CatalogueDefinition:
    first, second = KENNELS.products
    return replace(
        KENNELS,
        form_rules=(*KENNELS.form_rules, *messages),
        products=(replace(first, rules=(*first.rules, *rules)), second),
    )


def results(definition: CatalogueDefinition, form: Document) -> dict[str, str]:
    state = State(compile_catalogue(definition), form, as_of=DAY, reveal=reveal)
    decide(state)
    return dict(shadow_results(state))


def test_shadow_rules_fire_do_not_fire_or_are_unknown() -> None:
    rules = (
        ProductRule(id="S1", when='state == "TX"', then="decline", why="-", shadow=True),
        ProductRule(id="S2", when='state == "OH"', then="decline", why="-", shadow=True),
        ProductRule(id="S3", when='trade == "812910"', then="decline", why="-", shadow=True),
    )
    messages = (FormRule(id="F1", when="runs > 50", then="error", at="runs", say="-", shadow=True),)
    own = {"lines": Answer(value=["care"]), "state": Answer(value="TX")}
    form = document(own, [({"runs": Answer(value=20)}, []), ({"runs": Answer(value=60)}, [])])

    found = results(with_shadow(*rules, messages=messages), form)

    assert found == {
        "F1": "fired",
        "PA-CARE/S1": "fired",
        "PA-CARE/S2": "not_fired",
        "PA-CARE/S3": "unknown",
    }


def test_a_shadow_rule_of_a_product_that_is_not_decided_is_left_out() -> None:
    rule = ProductRule(id="S1", when="true", then="decline", why="-", shadow=True)
    first, second = KENNELS.products
    definition = replace(KENNELS, products=(first, replace(second, rules=(rule,))))

    assert results(definition, document({"lines": Answer(value=["premises"])}, [])) == {}
    # The surplus product is locked while the admitted one is open.
    assert results(definition, document({"lines": Answer(value=["care"])}, [])) == {}


@pytest.mark.parametrize("when", ["dogs > 3", "cat_count +", "cat_count"])
def test_a_faulty_shadow_rule_is_a_fault(when: str) -> None:
    rule = ProductRule(id="S1", when=when, then="refer", why="-", shadow=True)

    with pytest.raises(CatalogueErrors) as caught:
        compile_catalogue(with_shadow(rule))

    assert [fault.where for fault in caught.value.faults] == ["products[PA-CARE].rules[S1].when"]


def test_a_definition_without_shadow_rules_stays_itself() -> None:
    assert without_shadow(KENNELS) is KENNELS
    assert without_shadow(with_shadow(ProductRule(id="S1", when="true", then="refer", why="-", shadow=True))) == KENNELS
