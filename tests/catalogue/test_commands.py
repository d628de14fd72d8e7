"""The catalogue commands: their output, their effects, their exit codes."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
import zstandard
from django.core.management import CommandError, call_command

from carriers.models import ProductRule
from catalogue import releases
from catalogue.demo import CATALOGUE_FILE
from catalogue.files import read_catalogue, write_catalogue
from catalogue.loader import load, read_draft
from catalogue.models import Catalogue, Release
from catalogue.translation import translate
from tests.harness.boarding_files import BOARDING
from tests.harness.production import run as run_program

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _fresh_process():
    releases.forget_compiled_releases()


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "boarding.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(*arguments, **options):
    output = StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


@pytest.mark.django_db
def test_load_reports_its_result_and_the_next_step(file):
    said = run("load_catalogue", file(BOARDING))

    assert said == (
        "Loaded pet_boarding (Boarding of pets): 2 question sets, 10 questions, 1 pool, 4 choice lists, "
        "1 derived value, 1 form rule, 2 lines, 1 carrier, 1 product, 2 product rules.\n"
        "It is a draft until it is published: manage.py publish_catalogue pet_boarding\n"
    )
    assert read_draft(Catalogue.objects.get()) == read_catalogue(BOARDING)
    assert not Release.objects.exists()


@pytest.mark.django_db
def test_load_lists_every_fault_and_loads_nothing(file):
    load(read_catalogue(BOARDING))
    path = file(BOARDING.replace("turnover > 50000", "turnove > 50000").replace("choices: sizes", "choices: sices"))

    with pytest.raises(CommandError) as caught:
        run("load_catalogue", path)

    lines = str(caught.value).split("\n")
    assert lines[0] == f"2 faults in {path}; nothing was loaded."
    assert lines[1].startswith(f"{path}:20:79: unknown_question: ")
    assert lines[2].startswith(f"{path}:27:90: missing_choice_list: ")
    assert lines[1].endswith("[question_sets[start].questions[night_watch].when]")
    assert read_draft(Catalogue.objects.get()) == read_catalogue(BOARDING)


@pytest.mark.django_db
def test_dry_run_loads_nothing(file):
    said = run("load_catalogue", file(BOARDING), dry_run=True)

    assert said.startswith("Nothing was loaded; there are no faults in pet_boarding")
    assert not Catalogue.objects.exists()


@pytest.mark.django_db
def test_json_for_other_programs(file):
    path = file(BOARDING)
    good = json.loads(run("load_catalogue", path, json=True))
    output = StringIO()
    file(BOARDING.replace("type: date", "type: dat"))

    with pytest.raises(CommandError, match="1 fault in"):
        call_command("load_catalogue", path, "--json", stdout=output)

    bad = json.loads(output.getvalue())
    assert (good["loaded"], good["code"], good["faults"], good["parts"]["product_rules"]) == (
        True,
        "pet_boarding",
        [],
        2,
    )
    assert (bad["file"], bad["loaded"]) == (str(path), False)
    assert [(fault["line"], fault["column"], fault["code"]) for fault in bad["faults"]] == [(18, 44, "bad_value")]


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(CommandError, match="Cannot read .*No such file"):
        run("load_catalogue", tmp_path / "none.yaml")


@pytest.mark.django_db
def test_publish_reports_the_current_release():
    load(read_catalogue(BOARDING))

    first = run("publish_catalogue", "pet_boarding", notes="First")
    again = run("publish_catalogue", "pet_boarding")

    assert first == "Published release 1 of pet_boarding; it is now current everywhere.\n"
    assert again == "The draft equals release 1, which stays current.\n"
    assert Release.objects.get().notes == "First"


@pytest.mark.django_db
def test_warnings_are_shown_and_hinder_nothing(file):
    path, shown = file(BOARDING), StringIO()

    run("load_catalogue", path, stderr=shown)
    run("publish_catalogue", "pet_boarding", stderr=shown)
    data = json.loads(run("load_catalogue", path, json=True, dry_run=True))

    loaded, published = shown.getvalue().split("2 warnings, which hinder nothing:\n")[1:]
    assert f"{path}:9:3: unused: No question uses this list. Remove it. [choices[yes_no]]" in loaded
    assert "no_product: No product belongs to the line 'premises'. " in loaded
    assert "unused: No question uses this list. Remove it. [choices[yes_no]]" in published
    assert [warning["code"] for warning in data["warnings"]] == ["unused", "no_product"]
    assert Release.objects.get().number == 1


@pytest.mark.django_db
def test_a_release_with_a_literal_that_is_a_fault_today_stays_in_use():
    """What the checker learns must not stop the forms of a release that was published before."""
    load(read_catalogue(BOARDING))
    run("publish_catalogue", "pet_boarding")
    release = Release.objects.get()
    content = zstandard.decompress(bytes(release.content)).replace(b'region == \\"ON\\"', b'region == \\"XX\\"')
    older = Release.objects.create(
        catalogue=release.catalogue, number=2, content=zstandard.compress(content), checksum="x", published_by_id="x"
    )

    compiled = releases.get(older.id).compiled

    assert compiled.products["PAW-CARE"].rules[1].when.source == 'region == "XX"'


@pytest.mark.django_db
def test_publish_lists_the_faults_of_a_draft():
    load(read_catalogue(BOARDING))
    ProductRule.objects.filter(code="P1").update(when="runs.exists(r, r.run_places > 'x')")

    with pytest.raises(CommandError) as caught:
        run("publish_catalogue", "pet_boarding")

    assert "nothing was published" in str(caught.value)
    assert "type_error" in str(caught.value)
    assert "[products[PAW-CARE].rules[P1].when, column " in str(caught.value)
    assert not Release.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["publish_catalogue", "export_catalogue"])
def test_an_unknown_catalogue_is_reported(command):
    with pytest.raises(CommandError, match="no catalogue 'unknown'"):
        run(command, "unknown")


@pytest.mark.django_db
def test_export_writes_a_file_that_load_reads(tmp_path):
    load(read_catalogue(CATALOGUE_FILE))
    run("publish_catalogue", "demo_small_commercial")
    Catalogue.objects.update(title="Changed since")

    run("export_catalogue", "demo_small_commercial", release=1, output=tmp_path / "release.yaml")

    exported = (tmp_path / "release.yaml").read_text(encoding="utf-8")
    assert read_catalogue(exported) == read_catalogue(CATALOGUE_FILE)
    assert write_catalogue(read_catalogue(exported)) == exported
    assert "title: Changed since" in run("export_catalogue", "demo_small_commercial")
    with pytest.raises(CommandError, match="no release 2"):
        run("export_catalogue", "demo_small_commercial", release=2)


@pytest.mark.django_db
def test_load_translates_the_older_notation_on_the_way(tmp_path):
    source = HERE / "older_notation.yaml"

    said = run("load_catalogue", source)

    definition = translate(source.read_text(encoding="utf-8"))
    assert said.startswith(f"Loaded {definition.code} ")
    assert read_draft(Catalogue.objects.get(code=definition.code)) == definition
    run("export_catalogue", definition.code, output=tmp_path / "exported.yaml")
    assert read_catalogue(tmp_path / "exported.yaml") == definition


def test_load_lists_what_cannot_be_translated(file):
    source = (HERE / "older_notation.yaml").read_text(encoding="utf-8").replace("yard_past > 1", "yard_past is 1")

    with pytest.raises(CommandError, match=r"untranslatable: 'is' is not part of the notation"):
        run("load_catalogue", file(source))


def test_a_faulty_file_ends_the_program_with_an_exit_code(file):
    path = file(BOARDING.replace("type: date", "type: dat"))

    arguments = ["manage.py", "load_catalogue", str(path), "--dry-run", "--skip-checks"]
    ended = run_program(f"import sys; sys.argv = {arguments!r}; import manage; manage.main()")

    assert ended.returncode == 1
    assert f"{path}:18:44: bad_value: 'dat' is not allowed here. Did you mean 'date'?" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.django_db
def test_the_appetite_of_a_release_is_a_table(tmp_path):
    load(read_catalogue(BOARDING))
    with pytest.raises(CommandError, match="publish it first"):
        run("appetite_table", "pet_boarding")
    run("publish_catalogue", "pet_boarding")
    file = tmp_path / "table.csv"

    run("appetite_table", "pet_boarding", "--output", str(file))

    lines = list(csv.reader(file.read_text().splitlines()))
    products = lines[0][3:]
    assert lines[0][:3] == ["industry", "title", "state"]
    assert len(products) == 1
    assert {cell for line in lines[1:] for cell in line[3:]} <= {"yes", "no", "depends"}
    assert run("appetite_table", "pet_boarding").splitlines() == file.read_text().splitlines()
    with pytest.raises(CommandError, match="There is no release 9"):
        run("appetite_table", "pet_boarding", "--release", "9")
