"""The papers: the site of the documentation, the bill of materials, license and security policy."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from house.bill_of_materials import INCLUDED, completed
from house.documentation import BESIDE, MENU, stage
from tests.house.test_promises import CHECKOUT, tracked_files

PAGES = sorted(path for path in tracked_files() if path.suffix == ".md")
_LINK = re.compile(r"\]\(([^)\s#]*)#([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of ``page``, as repositories make them."""
    found: list[str] = []
    for line in re.findall(r"^#{1,6} +(.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    links = [(target, anchor) for target, anchor in _LINK.findall(text) if ":" not in target]
    targets = {target: (page.parent / target).resolve() if target else page for target, _ in links}

    dead = [f"{t}#{a}" for t, a in links if targets[t].suffix == ".md" and a not in anchors(targets[t])]

    assert dead == []


def test_the_site_has_every_page_and_no_link_to_a_missing_file(tmp_path: Path) -> None:
    stage(tmp_path / "pages")

    menu = (tmp_path / "pages" / MENU).read_text(encoding="utf-8")
    reached = set(re.findall(r"^\.?\.?/?([\w./-]+)$", menu, flags=re.MULTILINE))
    pages = {
        page.relative_to(CHECKOUT / "docs").with_suffix("").as_posix() for page in (CHECKOUT / "docs").glob("*.md")
    }
    pages |= {name.removesuffix(".md") for name in BESIDE} | {"adr/README"}
    assert pages - {"README"} == reached
    decisions = (tmp_path / "pages" / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\d{4}-", decisions, flags=re.MULTILINE)) == len(
        list((CHECKOUT / "docs/adr").glob("0*.md"))
    )


def test_the_bill_of_materials_names_licenses_and_the_files_of_others() -> None:
    installed = {entry.name.lower(): entry for entry in distributions()}
    bill = completed({"components": [{"name": "Django"}, {"name": "psycopg"}, {"name": "unknown-package"}]}, installed)

    by_name = {component["name"]: component for component in bill["components"]}
    assert "BSD" in str(by_name["Django"]["licenses"])
    assert "LGPL" in str(by_name["psycopg"]["licenses"])
    assert "licenses" not in by_name["unknown-package"]
    assert {name for name, *_ in INCLUDED} <= set(by_name)
    assert [path for *_, path in INCLUDED if not (CHECKOUT / path).is_file()] == []


def test_every_paper_names_the_same_license() -> None:
    text, readme = ((CHECKOUT / name).read_text(encoding="utf-8") for name in ("LICENSE", "README.md"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bill = completed({"metadata": {"component": {"name": project["name"]}}, "components": []}, {})

    assert "are proprietary" in text
    assert "License: proprietary, [LICENSE](LICENSE)" in readme
    assert (project["license"], project["license-files"]) == ("LicenseRef-Proprietary", ["LICENSE"])
    assert not [line for line in project.get("classifiers", []) if line.startswith("License")]
    assert bill["metadata"]["component"]["licenses"] == [{"license": {"name": "LicenseRef-Proprietary"}}]


def test_every_file_of_others_is_in_the_bill_of_materials() -> None:
    folders = {CHECKOUT / "static/web/vendor", CHECKOUT / "static/web/fonts"}
    names = {path.name.split("-")[0] for path in tracked_files() if path.parent in folders}

    assert names == {name for name, *_ in INCLUDED}


def test_the_papers_name_no_person_and_no_address() -> None:
    text = "".join((CHECKOUT / name).read_text(encoding="utf-8") for name in ("LICENSE", "SECURITY.md"))

    assert not re.search(r"[\w.]+@[\w.]+", text)
    assert {"All rights reserved", "Report a vulnerability", "Supported versions"} <= set(
        re.findall("All rights reserved|Report a vulnerability|Supported versions", text)
    )
