"""A product is quoted once the answers are there that its carrier is sent; what only other products send may wait."""

from __future__ import annotations

from functools import cache
from typing import Any

from catalogue.demo import CATALOGUE_FILE, read_samples
from catalogue.files import read_catalogue
from quoting.sending import missing_answers
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from tests.harness.boarding_catalogue import AS_OF, document, fire
from tests.rules.test_demo_samples import flat


@cache
def demo() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def missing(product: str, *, without: tuple[str, ...] = (), row_without: str = "") -> list[str]:
    sample = next(sample for sample in read_samples() if sample.id == "S1")
    answers: dict[str, Any] = flat(demo(), sample.answers, sample.answer_pools)
    complete = {"mqs_gl_liquor_pct": 10, **{code: value for code, value in answers.items() if code not in without}}
    if row_without:
        complete["wc_classes"] = [
            {code: value for code, value in row.items() if code != row_without} for row in complete["wc_classes"]
        ]
    evaluation = fire(demo(), document(complete), as_of=AS_OF).evaluation
    return missing_answers(demo(), evaluation, product)


def test_a_complete_form_misses_nothing() -> None:
    assert missing("QM-BOP") == missing("TT-WC") == []


def test_what_the_carrier_is_sent_must_be_there() -> None:
    assert missing("QM-BOP", without=("mqs_bop_deductible",)) == ["mqs_bop_deductible"]
    assert missing("TT-WC", row_without="mqs_wcc_payroll") != []


def test_what_only_others_are_sent_may_wait() -> None:
    assert missing("TT-WC", without=("mqs_bop_deductible",)) == []
    assert missing("QM-BOP", row_without="mqs_wcc_payroll") == []


def test_what_a_carrier_is_sent_when_it_binds_is_its_own_too() -> None:
    sample = next(sample for sample in read_samples() if sample.id == "S7")
    answers = flat(demo(), sample.answers, sample.answer_pools)
    answers["drivers"] = [{"mqs_drv_name": "Kai Demo", "mqs_drv_violations": 0}]
    evaluation = fire(demo(), document(answers), as_of=AS_OF).evaluation

    assert missing_answers(demo(), evaluation, "GF-AUTO") != []
    assert missing_answers(demo(), evaluation, "TT-GL") == []


def test_what_no_carrier_is_sent_must_be_there() -> None:
    assert missing("TT-WC", without=("mqs_email",)) == ["mqs_email"]
