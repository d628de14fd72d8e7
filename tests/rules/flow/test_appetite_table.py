"""The table of a release: every industry in every state, equal to the appetite of forms with these two answers."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from rules.definition.catalogue import CatalogueDefinition, SurplusRule
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.flow.appetite import appetites
from rules.flow.appetite_table import TableRow, appetite_table, states_of
from tests.harness.boarding_catalogue import AS_OF, document
from tests.rules.flow.test_price_stability import demo


def rows(catalogue: CompiledCatalogue, **options: Any) -> dict[tuple[str, str], TableRow]:
    return {(row.industry, row.state): row for row in appetite_table(catalogue, as_of=AS_OF, **options)}


def changed(**fields: Any) -> CompiledCatalogue:
    definition: CatalogueDefinition = demo().definition
    return compile_catalogue(msgspec.structs.replace(definition, **fields))


def test_products_without_their_industry_or_state_say_no() -> None:
    table = rows(demo(), industry="7225", states=["TX", "CA", "ND"])

    texas, california, dakota = (table["722511", state].wanted for state in ("TX", "CA", "ND"))
    assert texas["QM-BOP"] == texas["LF-BOP"] == california["LF-BOP"] == "depends"
    assert california["QM-BOP"] == texas["QM-GL"] == texas["GF-AUTO"] == "no"
    assert {dakota["QM-BOP"], dakota["LF-BOP"], dakota["TT-WC"], dakota["LF-WC"]} == {"no"}
    assert [code for code, _ in table if code == "722511"] == ["722511"] * 3


def test_all_states_of_the_choices_are_in_the_table() -> None:
    states = states_of(demo())

    assert len(states) == 51
    assert {row.state for row in appetite_table(demo(), as_of=AS_OF, industry="722511")} == set(states)


@pytest.mark.parametrize("industry", ["722511", "238220", "484121", "111110"])
@pytest.mark.parametrize("state", ["TX", "FL", "ND"])
def test_a_row_says_what_a_form_with_these_answers_gets(industry: str, state: str) -> None:
    """A form's answers name the states by locations and classes; the rows of both have this state alone."""
    catalogue = demo()
    form = document(
        {
            "mqs_naics": industry,
            "mqs_mail_state": state,
            "locations": [{"mqs_loc_state": state}],
            "wc_classes": [{"mqs_wcc_state": state}],
        }
    )
    found = appetites(catalogue, form, as_of=AS_OF, reveal=lambda path, answer: answer.value).products
    wanted = rows(catalogue, industry=industry, states=[state])[industry, state].wanted

    assert {code: item.wanted for code, item in found.items()} == wanted


def with_admitted_rival_that_wants_all() -> CompiledCatalogue:
    """Return the demo with a rival that wants every shop everywhere, and a rule that opens surplus lines in Florida."""
    definition = demo().definition
    open_product = next(product for product in definition.products if product.code == "QM-GL")
    eager = msgspec.structs.replace(open_product, code="QM-ALL", states=None, industries=None, rules=())
    rule = SurplusRule(id="FREE", states=("FL",), since="2025-07-01", needs="none")
    return changed(products=(*definition.products, eager), surplus=(rule,))


def test_a_rival_that_wants_everything_locks_surplus_lines_but_where_no_search_is_needed() -> None:
    catalogue = with_admitted_rival_that_wants_all()
    table = rows(catalogue, industry="111110", states=["FL", "TX"])
    before = next(appetite_table(catalogue, as_of=date(2025, 6, 30), industry="111110", states=["FL"]))

    assert table["111110", "TX"].wanted["QM-ALL"] == "yes"
    assert table["111110", "TX"].wanted["OH-GL"] == "no"
    assert table["111110", "FL"].wanted["OH-GL"] == "depends"
    assert before.wanted["OH-GL"] == "no"


def test_an_unknown_state_leaves_surplus_lines_open_where_rules_differ() -> None:
    catalogue = with_admitted_rival_that_wants_all()

    def of(answers: dict[str, Any]) -> Any:
        form = document({"mqs_lobs": ["gl"], **answers})
        return appetites(catalogue, form, as_of=AS_OF, reveal=lambda path, answer: answer.value).products["OH-GL"]

    assert of({}).wanted == "depends"
    assert of({"mqs_mail_state": "TX", "locations": [{"mqs_loc_state": "TX"}]}).wanted == "depends"
    texan = {"mqs_naics": "111110", "mqs_mail_state": "TX", "locations": [{"mqs_loc_state": "TX"}]}
    assert of(texan).wanted == "no"
