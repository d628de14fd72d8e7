"""An export contains all of a tenant's data and no secret of it."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from copies.models import CopyRevision
from operations.export import tenant_export
from operations.export.kinds import LEFT_OUT, exported_columns, exported_tables, file_of
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.tables import tenant_tables
from tests.harness.batch_asserts import assert_batch
from tests.harness.cast import SECOND_DATABASE
from tests.harness.certain_text import certain
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])
SECRET = "987-65-4321"


def export(tenant: Tenant, path: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Export ``tenant``; return the manifest, and the rows of each NDJSON file."""
    call_command("export_tenant", tenant.code, path, stdout=io.StringIO())
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        for name, file in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == file["sha256"], name
        assert {*manifest["files"], "manifest.json"} == set(archive.namelist())
        rows = {
            name: [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name.endswith(".ndjson")
        }
    assert all(len(found) == manifest["files"][name]["rows"] for name, found in rows.items())
    return manifest, rows


@pytest.mark.parametrize("alias", ["", SECOND_DATABASE])
def test_forms_with_all_their_versions_and_records_are_in_it(  # noqa: PLR0917 - fixtures
    kennels: Tenant, make_form: Callable[..., UUID], agent: Actor, tmp_path: Path, alias: str,
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    kennels.database = alias
    kennels.save()
    monkeypatch.setattr(tenant_export, "CHUNK", 2)
    forms = [make_form({"owner_ssn": SECRET}) for _ in range(3)]
    assert_batch(forms[0], lambda changeset: changeset.find_answer("state").apply("OH"), scope=kennels, actor=agent)
    with use_tenant(kennels):
        release_ids = set(CopyRevision.objects.values_list("release_id", flat=True))

    manifest, rows = export(kennels, tmp_path / "kennels.zip")

    copies = {row["id"]: row for row in rows["copies.ndjson"]}
    assert set(copies) == {str(form) for form in forms} == {row["id"] for row in rows["application_forms.ndjson"]}
    assert copies[str(forms[0])]["answers"]["state"]["value"] == "OH"
    assert copies[str(forms[0])]["answer_pools"]["houses"]
    assert copies[str(forms[0])]["eligibility"]
    versions = [row for row in rows["copy_revisions.ndjson"] if row["copy_id"] == str(forms[0])]
    assert [row["version"] for row in versions] == [1, 2]
    assert any(change["path"] == "state" and change["after"] == "OH" for change in versions[1]["changes"])
    assert {f"releases/{known}.json" for known in release_ids} <= set(manifest["files"])
    assert manifest["tenant"]["code"] == "kennels" and "copies.0001_initial" in manifest["schema"]


def test_no_sensitive_answer_and_no_secret_is_in_it(
    kennels: Tenant, make_form: Callable[..., UUID], tmp_path: Path
) -> None:
    make_form({"owner_ssn": SECRET})

    _, rows = export(kennels, tmp_path / "kennels.zip")

    (copy,) = rows["copies.ndjson"]
    assert copy["answers"]["owner_ssn"]["sensitive"] == "spi"
    assert copy["answers"]["owner_ssn"]["value"] == "••••"
    with zipfile.ZipFile(tmp_path / "kennels.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".ndjson")}
    for name, text in texts.items():
        for secret in (SECRET, SECRET.replace("-", ""), "4321", "secret_hash", "wrapped_key"):
            assert secret not in certain(text), (name, secret)


def test_each_table_is_exported_or_left_out_with_a_reason() -> None:
    assert {table.name for table in exported_tables()} | set(LEFT_OUT) == {table.name for table in tenant_tables()}
    names = [file_of(table) for table in exported_tables()]
    assert len(set(names)) == len(names)
    for table in exported_tables():
        assert "id" in exported_columns(table) or table.key in exported_columns(table)


def test_the_file_appears_complete_and_only_for_its_owner_or_not_at_all(
    kennels: Tenant, make_form: Callable[..., UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_form()
    path = tmp_path / "kennels.zip"
    with monkeypatch.context() as broken:
        broken.setattr(tenant_export, "_people", lambda tenant: [1 / 0])
        with pytest.raises(ZeroDivisionError):
            export(kennels, path)
    assert list(tmp_path.iterdir()) == []

    export(kennels, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists already"):
        export(kennels, path)


def test_what_a_later_release_calls_sensitive_is_masked_in_every_version(
    kennels: Tenant, make_form: Callable[..., UUID], agent: Actor, tmp_path: Path
) -> None:
    form = make_form({"kennel_name": "Very Secret Paws"})
    assert_batch(
        form, lambda changeset: changeset.find_answer("kennel_name").apply("Hidden Paws"), scope=kennels, actor=agent
    )
    _, before = export(kennels, tmp_path / "before.zip")
    publish_release(with_sensitivity(kennel_name="spi"))

    _, after = export(kennels, tmp_path / "after.zip")

    assert "Very Secret Paws" in json.dumps(before["copy_revisions.ndjson"])
    assert {name for name, rows in after.items() if "Paws" in json.dumps(rows)} == set()
