"""Carrier packages are imported whole, from known publishers, or not at all."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from msgspec.structs import replace

from catalogue.demo import CATALOGUE_FILE, DEMO_FOLDER, read_samples
from catalogue.drafts import read_draft
from catalogue.files import read_catalogue
from catalogue.loader import load
from catalogue.models import Catalogue, PackageImport, PackagePublisher
from catalogue.packages.contents import package_of, without_carrier
from catalogue.packages.files import read_package_file
from catalogue.packages.golden import differences
from catalogue.packages.importing import (
    PURPOSE,
    GoldenCasesDiffer,
    NoSuchCatalogue,
    NotNewer,
    Unsigned,
    Untrusted,
    import_package,
    publisher_of,
)
from catalogue.packages.writing import signed_text, write_package
from encryption.signatures import canonical, key_id_of, public_keys, sign
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from tests.catalogue.test_packages import golden_of, head

pytestmark = pytest.mark.django_db

DEMO = "demo_small_commercial"


@cache
def demo() -> CatalogueDefinition:
    return read_catalogue(CATALOGUE_FILE)


@pytest.fixture
def elsewhere() -> Catalogue:
    """Return the draft of a catalogue without the carrier that is imported."""
    return load(without_carrier(demo(), "QM"))


@pytest.fixture
def package() -> Any:
    made = package_of(demo(), head("QM"))
    return replace(made, golden=(golden_of(read_samples()[0]),))


def signed(package: Any) -> Any:
    signature = sign(canonical(package), purpose=PURPOSE)
    return read_package_file(write_package(package, {"key": signature.key, "value": signature.value}))


def put(file: Any, **options: Any) -> Any:
    return import_package(file, catalogue_code=DEMO, actor_id="test", **options)


def test_a_package_becomes_part_of_the_draft(elsewhere: Catalogue, package: Any) -> None:
    imported = put(signed(package))

    draft = read_draft(imported.catalogue)
    assert package_of(draft, package.package).products == package.products
    assert without_carrier(draft, "QM") == without_carrier(demo(), "QM")
    row = PackageImport.objects.get()
    assert (row.carrier, row.version, row.publisher, row.imported_by_id) == ("QM", 1, "own", "test")


def test_a_dry_run_changes_nothing(elsewhere: Catalogue, package: Any) -> None:
    before = read_draft(elsewhere)

    put(signed(package), dry_run=True)

    assert read_draft(elsewhere) == before
    assert not PackageImport.objects.exists()


def test_a_version_is_imported_once(elsewhere: Catalogue, package: Any) -> None:
    put(signed(package))

    with pytest.raises(NotNewer):
        put(signed(package))
    put(signed(replace(package, package=replace(package.package, version=2))))
    assert PackageImport.objects.count() == 2


def altered(package: Any) -> Any:
    file = signed(package)
    return file._replace(package=replace(package, products=package.products[:1]))


def of_a_stranger(package: Any) -> Any:
    key = Ed25519PrivateKey.generate()
    value = key.sign(f"partner-engine {PURPOSE}\n".encode() + canonical(package))
    identity = key_id_of(key.public_key().public_bytes_raw())
    return signed(package)._replace(signature={"key": identity, "value": base64.b64encode(value).decode()})


def with_wrong_premium(package: Any) -> Any:
    case = package.golden[0]
    expect = {code: replace(item, premium=1) for code, item in case.expect.items() if item.premium}
    return signed(replace(package, golden=(replace(case, expect=expect),)))


def with_unknown_question(package: Any) -> Any:
    product = package.products[0]
    rule = replace(product.rules[0], when="mqs_nowhere > 1")
    return signed(replace(package, products=(replace(product, rules=(rule,)),), golden=()))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda package: signed(package)._replace(signature=None), Unsigned),
        (altered, Untrusted),
        (of_a_stranger, Untrusted),
        (with_wrong_premium, GoldenCasesDiffer),
        (with_unknown_question, CatalogueErrors),
    ],
)
def test_a_refused_package_changes_nothing(elsewhere: Catalogue, package: Any, make: Any, error: type) -> None:
    before = read_draft(elsewhere)

    with pytest.raises(error):
        put(make(package))

    assert read_draft(elsewhere) == before
    assert not PackageImport.objects.exists()


def test_a_publisher_is_known_by_its_public_key(elsewhere: Catalogue, package: Any) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    PackagePublisher.objects.create(name="Riverbend", public_key=base64.b64encode(public).decode())
    value = base64.b64encode(key.sign(f"partner-engine {PURPOSE}\n".encode() + canonical(package))).decode()

    imported = put(signed(package)._replace(signature={"key": key_id_of(public), "value": value}))

    assert imported.publisher == "Riverbend"


def test_a_catalogue_must_exist(package: Any) -> None:
    with pytest.raises(NoSuchCatalogue):
        import_package(signed(package), catalogue_code="nowhere", actor_id="test")


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", base64.b64encode(b"x" * 31).decode()])
def test_a_public_key_has_32_bytes(text: str) -> None:
    with pytest.raises(ValidationError):
        PackagePublisher(name="x", public_key=text).full_clean()


def test_the_command_exports_checks_and_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(demo())
    file = tmp_path / "QM.yaml"

    call_command("carrier_package", "export", DEMO, "QM", "--package-version", "3", "--output", str(file))
    call_command("carrier_package", "check", str(file))
    load(without_carrier(demo(), "QM"))
    call_command("carrier_package", "import", str(file))

    said = capsys.readouterr().out
    assert "Quillmark Mutual, version 3, signed by own." in said
    assert "imported into demo_small_commercial" in said
    whole, draft = demo(), read_draft(Catalogue.objects.get(code=DEMO))
    assert package_of(draft, head("QM")) == package_of(whole, head("QM"))
    assert without_carrier(draft, "QM") == without_carrier(whole, "QM")


def test_an_edited_package_is_signed_again(tmp_path: Path, package: Any) -> None:
    file = tmp_path / "QM.yaml"
    file.write_text(signed_text("# Rates of the spring.\n" + write_package(package), {"key": "a", "value": "b"}))
    with pytest.raises(CommandError, match="not known here"):
        call_command("carrier_package", "check", str(file))

    call_command("carrier_package", "sign", str(file))
    call_command("carrier_package", "check", str(file))

    assert file.read_text().startswith("# Rates of the spring.\n")
    assert read_package_file(file).package == package


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "nowhere", "QM", "--package-version", "1"),
        ("export", DEMO, "nobody", "--package-version", "1"),
        ("check", "missing.yaml"),
        ("import", "missing.yaml"),
    ],
)
def test_the_command_names_what_is_missing(elsewhere: Catalogue, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="There is no catalogue|has no carrier|Cannot read"):
        call_command("carrier_package", *arguments)


@pytest.mark.parametrize("path", sorted((DEMO_FOLDER / "carriers").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_demos_packages_are_signed_and_decide_their_golden_cases(path: Path) -> None:
    file = read_package_file(path)

    assert publisher_of(file) == ("own", next(iter(public_keys())))
    assert file.package.golden
    assert file.package.simulator["code"] == path.stem
    assert differences(compile_catalogue(demo()), file.package.golden) == []
