"""The examples and tables of docs/catalogue.md are correct."""

import re
from pathlib import Path

import pytest

from catalogue.files import read_catalogue, read_file, write_catalogue
from catalogue.reports import describe_faults
from rules.definition.faults import CatalogueErrors

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")


def block(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def test_the_example_is_a_faultless_catalogue():
    definition = read_catalogue(block("yaml catalogue"))

    assert read_catalogue(write_catalogue(definition)) == definition
    assert [product.code for product in definition.products] == ["PAW-CARE", "STRAY-CARE", "PAW-PREMISES"]


def test_the_example_has_no_warnings():
    assert read_file(block("yaml catalogue")).warnings == []


def test_the_faulty_example_gives_what_the_page_shows():
    wrong = block("yaml fault").rstrip("\n")
    right = wrong.replace("turnove ", "turnover ")
    text = block("yaml catalogue")
    assert right in text

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text.replace(right, wrong))

    assert describe_faults(caught.value.faults, file="kennels.yaml") in PAGE


def test_every_fault_code_of_the_reader_is_explained():
    folder = Path(__file__).parents[2] / "catalogue"
    names = ("yaml_nodes.py", "file_shape.py", "files.py")
    sources = "".join((folder / name).read_text(encoding="utf-8") for name in names)
    codes = set(re.findall(r'(?:_fault|UnreadableFile|CatalogueFault)\(\s*"([a-z_]+)"', sources))

    assert len(codes) > 12
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
