"""The demo: a faultless catalogue file in the writer's own layout, and samples that fit it."""

import pytest
from msgspec.structs import replace

from catalogue import releases
from catalogue.case_files import write_cases
from catalogue.demo import CATALOGUE_FILE, DEMO_FOLDER, load_demo_catalogue, read_samples
from catalogue.files import read_catalogue, read_file, write_catalogue
from catalogue.models import AcceptedResult, GoldenCase, Release
from catalogue.packages.contents import without_carrier
from catalogue.packages.files import read_package_file
from catalogue.packages.writing import write_package
from catalogue.reports import count_parts

OUTCOMES = {"eligible", "refer", "need_info", "decline", "locked"}


def test_the_demo_file_is_as_the_writer_writes_it():
    rest, _, cases = read_file(CATALOGUE_FILE)
    for carrier in rest.carriers:
        rest = without_carrier(rest, carrier.code)
    text = CATALOGUE_FILE.read_text(encoding="utf-8")
    own = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("#", "packages:")))

    assert write_catalogue(rest) + write_cases(cases) == own


@pytest.mark.parametrize("path", sorted((DEMO_FOLDER / "carriers").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_packages_are_as_the_writer_writes_them(path):
    """The part of the simulator keeps its own layout and comments."""
    package = read_package_file(path).package
    own = path.read_text(encoding="utf-8").partition("\n# ")[0]

    assert own.partition("\n")[2] == write_package(replace(package, simulator={})).removesuffix("\n")


def test_the_demo_holds_all_its_parts():
    assert count_parts(read_catalogue(CATALOGUE_FILE)) == {
        "question sets": 18,
        "questions": 105,
        "pools": 7,
        "choice lists": 20,
        "derived values": 9,
        "form rules": 8,
        "lines": 5,
        "carriers": 6,
        "products": 10,
        "product rules": 41,
    }


def test_samples_answer_questions_of_the_demo_and_expect_its_products():
    definition = read_catalogue(CATALOGUE_FILE)
    pool_of = {
        question.code: part.pool.code if part.pool else ""
        for part in definition.question_sets
        for question in part.questions
    }
    lines = {product.code: product.line for product in definition.products}

    def check(answers, pools, pool):
        assert {pool_of[code] for code in answers} <= {pool}
        for code, rows in pools.items():
            for row in rows:
                check(row["answers"], row.get("answer_pools", {}), code)

    samples = read_samples()

    assert len(samples) == 11
    for sample in samples:
        check(sample.answers, sample.answer_pools, "")
        wanted = set(sample.answers["mqs_lobs"])
        assert set(sample.expect) == {code for code, line in lines.items() if line in wanted}
        assert {expected.outcome for expected in sample.expect.values()} <= OUTCOMES


def test_a_sample_uses_its_defaults():
    samples = {sample.id: sample for sample in read_samples()}
    first, blank, copy = samples["S1"], samples["S11"], samples["S1 Bar-heavy plan"]

    assert first.as_of.isoformat() == "2026-06-01"
    assert first.answers["mqs_part_time_emp"] == 10
    assert first.answers["mqs_effective_date"] == "2026-07-01"
    assert first.answer_pools["locations"][0]["answer_pools"]["buildings"][0]["answers"]["mqs_bld_limit"] == 400000
    assert first.answer_pools["locations"][0]["answer_pools"]["buildings"][0]["answers"]["mqs_bld_year_built"] == 1998
    assert (first.expect["QM-BOP"].outcome, first.expect["QM-BOP"].premium) == ("eligible", 2451)
    assert samples["S4"].expect["QM-GL"].details == ("class", "QG1")
    assert "mqs_gl_liquor_pct" not in blank.answers
    assert blank.answer_pools == first.answer_pools
    assert blank.expect["QM-BOP"].details == ("mqs_gl_liquor_pct",)
    assert copy.copy_of == "S1"
    assert copy.answers == {**first.answers, "mqs_gl_liquor_pct": 35}


@pytest.mark.django_db
def test_loading_the_demo_twice_publishes_it_once():
    releases.forget_compiled_releases()
    first = load_demo_catalogue(actor_id="tester")

    again = load_demo_catalogue(actor_id="tester")

    assert again == first
    assert {case.release_id for case in GoldenCase.objects.all()} == {first.id}
    assert AcceptedResult.objects.count() == 0
    assert Release.objects.count() == 1
    assert releases.current("demo_small_commercial").id == first.id
