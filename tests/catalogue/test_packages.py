"""Carrier packages: a carrier's part of a catalogue, read, written, merged, and checked by golden cases."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalogue.demo import CATALOGUE_FILE, Sample, read_samples
from catalogue.files import read_catalogue, write_catalogue
from catalogue.packages.contents import (
    CarrierPackage,
    Expected,
    GoldenCase,
    PackageHead,
    package_of,
    with_packages,
    without_carrier,
)
from catalogue.packages.files import read_package_file
from catalogue.packages.golden import differences
from catalogue.packages.writing import write_package
from encryption.signatures import canonical
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors

CARRIERS = ("QM", "TT", "LF", "OH", "VC", "GF")


@pytest.fixture(scope="module")
def demo() -> CatalogueDefinition:
    return read_catalogue(CATALOGUE_FILE)


def head(carrier: str) -> PackageHead:
    return PackageHead(carrier=carrier, version=1, catalogue="demo_small_commercial")


def golden_of(sample: Sample) -> GoldenCase:
    return GoldenCase(
        name=sample.id,
        as_of=sample.as_of,
        answers=sample.answers,
        answer_pools=sample.answer_pools,
        expect={
            code: Expected(outcome=item.outcome, premium=item.premium, reasons=item.details)
            for code, item in sample.expect.items()
        },
    )


def codes(definition: CatalogueDefinition) -> tuple[list[str], ...]:
    return (
        sorted(carrier.code for carrier in definition.carriers),
        [product.code for product in definition.products],
        [question.code for part in definition.question_sets for question in part.questions],
    )


def test_a_catalogue_is_its_own_parts_and_its_packages(demo: CatalogueDefinition) -> None:
    packages = [package_of(demo, head(code)) for code in CARRIERS]
    rest = demo
    for code in CARRIERS:
        rest = without_carrier(rest, code)

    assert rest.carriers == rest.products == ()
    assert codes(with_packages(rest, packages)) == codes(demo)
    assert with_packages(rest, packages).products == demo.products


def test_a_package_replaces_the_carriers_earlier_parts(demo: CatalogueDefinition) -> None:
    package = package_of(demo, head("QM"))
    fewer = replace(package, products=package.products[:1])

    merged = with_packages(demo, [fewer])

    assert [product.code for product in merged.products if product.carrier == "QM"] == [package.products[0].code]
    assert with_packages(demo, [package]) == demo
    assert sorted(codes(with_packages(merged, [package]))[1]) == sorted(codes(demo)[1])


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_package_is_read_as_it_was_written(demo: CatalogueDefinition, carrier: str) -> None:
    package = replace(
        package_of(demo, head(carrier)),
        golden=(golden_of(read_samples()[0]),),
        simulator={"quirks": ["slow"], "rates": {"x": 1.5}},
    )

    read = read_package_file(write_package(package, {"key": "a", "value": "b"}))

    assert read.package == package
    assert read.signature == {"key": "a", "value": "b"}
    assert canonical(read.package) == canonical(package)


def test_the_samples_are_golden_cases(demo: CatalogueDefinition) -> None:
    compiled = compile_catalogue(demo)
    cases = [golden_of(sample) for sample in read_samples()]

    assert differences(compiled, cases) == []


def test_a_golden_case_that_differs_is_named(demo: CatalogueDefinition) -> None:
    compiled, case = compile_catalogue(demo), golden_of(read_samples()[0])
    code, expected = next((code, item) for code, item in case.expect.items() if item.premium)
    price = expected.premium or 0
    wrong = replace(case, expect={code: replace(expected, premium=price + 1), "QX-BOP": Expected(outcome="eligible")})
    unreadable = replace(case, name="old", answers={"mqs_gone": 1})

    assert differences(compiled, [wrong, unreadable]) == [
        f"S1: {code} is eligible at {price} instead of eligible at {price + 1}.",
        "S1: QX-BOP is absent instead of eligible.",
        "old: The catalogue has no question mqs_gone.",
    ]


@pytest.fixture
def folder(demo: CatalogueDefinition, tmp_path: Path) -> Path:
    """Return a folder with the demo's own parts and the package of each carrier."""
    rest = demo
    for code in CARRIERS:
        (tmp_path / f"{code}.yaml").write_text(write_package(package_of(demo, head(code))))
        rest = without_carrier(rest, code)
    text = write_package_list([f"{code}.yaml" for code in CARRIERS])
    (tmp_path / "catalogue.yaml").write_text(write_catalogue(rest) + text)
    return tmp_path


def write_package_list(names: list[str]) -> str:
    return f"packages: [{', '.join(names)}]\n"


def test_a_catalogue_file_names_its_packages(demo: CatalogueDefinition, folder: Path) -> None:
    assert codes(read_catalogue(folder / "catalogue.yaml")) == codes(demo)


def test_a_fault_in_a_package_has_its_file_and_line(folder: Path) -> None:
    file = folder / "VC.yaml"
    text = file.read_text()
    file.write_text(text.replace("mqs_cy_records", "mqs_cy_recods", 1))
    line = 1 + text[: text.index("mqs_cy_records")].count("\n")

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(folder / "catalogue.yaml")

    assert {(fault.file, fault.line) for fault in caught.value.faults} == {("VC.yaml", line)}


@pytest.mark.parametrize(
    ("listed", "code"),
    [("[missing.yaml]", "bad_packages"), ("[../up.yaml]", "bad_packages"), ("all", "bad_packages")],
)
def test_a_list_of_packages_that_cannot_be_read_is_refused(folder: Path, listed: str, code: str) -> None:
    file = folder / "catalogue.yaml"
    file.write_text(file.read_text().rpartition("packages:")[0] + f"packages: {listed}\n")

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(file)

    assert [fault.code for fault in caught.value.faults] == [code]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("code: QM,", "code: QX,", "wrong_carrier"),
        ("carrier: QM\n", "carrier: TT\n", "wrong_carrier"),
        ("minimum: 500", "minimum: many", ""),
        ("products:", "product:", "unknown_key"),
        ("version: 1", "version: one", ""),
    ],
)
def test_a_package_with_foreign_or_faulty_parts_is_refused(
    demo: CatalogueDefinition, old: str, new: str, code: str
) -> None:  # fmt: skip
    text = write_package(package_of(demo, head("QM")))
    assert old in text

    with pytest.raises(CatalogueErrors) as caught:
        read_package_file(text.replace(old, new, 1), name="QM.yaml")

    assert {fault.file for fault in caught.value.faults} == {"QM.yaml"}
    assert code in {"", *(fault.code for fault in caught.value.faults)}


def test_a_question_of_other_carriers_is_refused(demo: CatalogueDefinition) -> None:
    package = package_of(demo, head("GF"))
    text = write_package(package).replace("products: [GF-AUTO]", "products: [GF-AUTO, TT-WC]")

    with pytest.raises(CatalogueErrors, match="not asked for products of"):
        read_package_file(text)


def test_golden_cases_are_dates_and_shapes(demo: CatalogueDefinition) -> None:
    package: CarrierPackage = package_of(demo, head("QM"))
    case = golden_of(read_samples()[0])
    text = write_package(replace(package, golden=(case,)))

    assert read_package_file(text).package.golden[0].as_of == date(2026, 6, 1)
    with pytest.raises(CatalogueErrors, match="as_off"):
        read_package_file(text.replace("as_of:", "as_off:", 1))
