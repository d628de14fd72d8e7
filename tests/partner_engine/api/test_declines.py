"""``/copies/{id}/declines``: what declines, the records that acts leave, and the signed export, which nobody alters."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import verify_export
from actions.kinds import RecordDeclination
from actions.models import OutboxAction
from actions.registry import handler_of
from batch import service as batch
from catalogue.demo import Sample, read_samples
from encryption.signatures import canonical
from forms.models import Declination
from tenants.access import Right, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import V1, Api, assert_problem
from tests.harness.outboxes import delivered
from verify_export import fault_in

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def s4() -> Sample:
    """Return the sample whose admitted products decline."""
    return next(sample for sample in read_samples() if sample.id == "S4")


def keys() -> dict[str, str]:
    response = Client().get(f"{V1}/signing_keys")
    assert response.status_code == 200
    return {key["id"]: key["public_key"] for key in response.json()["keys"]}


def export(api: Api, copy_id: str) -> bytes:
    response = api.post(f"/copies/{copy_id}/declines/export", {})
    assert response.status_code == 200, response.content
    assert response["Content-Disposition"] == 'attachment; filename="declines.json"'
    return bytes(response.content)


def records(tenant: Tenant) -> list[Declination]:
    with use_tenant(tenant):
        return list(Declination.objects.order_by("version"))


def test_what_declines_now_is_shown_with_its_values(api: Api, s4: Sample) -> None:
    copy = api.start(s4)

    shown = api.get(f"/copies/{copy['id']}/declines").json()

    (line,) = shown["lines"]
    assert (line["line"], line["states"], shown["version"], shown["records"]) == ("gl", ["FL"], 1, [])
    quillmark, tarn = line["declines"]
    assert [reason["rule"] for reason in quillmark["reasons"]] == ["QG1", "class"]
    assert quillmark["name"] == "Quillmark Mutual General liability"
    assert quillmark["reasons"][0]["values"] == [
        {"path": "mqs_gl_roofing", "label": "Any roofing work?", "value": "Yes"}
    ]
    assert tarn["product"] == "TT-GL"
    (surplus,) = line["surplus"]
    assert (surplus["product"], surplus["is_met"]) == ("OH-GL", True)
    assert "declines" in surplus["requirement"] or "no search" in surplus["requirement"]


def test_a_line_without_declines_says_that_the_condition_is_not_met(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    lines = api.get(f"/copies/{copy['id']}/declines").json()["lines"]

    assert [(line["line"], line["declines"], line["surplus"][0]["is_met"]) for line in lines] == [("bop", [], False)]


def test_an_act_leaves_a_record_with_the_values_of_its_version(api: Api, s4: Sample, harbor: Tenant) -> None:
    copy = api.start(s4)
    with batch.find_and_lock(copy["id"], scope=harbor, actor=system_actor("test")) as context:
        context.changeset.quote_requests.request("OH-GL")
        context.save()
    before = api.get(f"/copies/{copy['id']}/declines").json()["records"]
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_max_height": 60}})

    (record,) = api.get(f"/copies/{copy['id']}/declines").json()["records"]

    assert [record] == before
    assert (record["act"], record["version"], record["line"], record["states"]) == ("requested", 2, "gl", ["FL"])
    assert [decline["product"] for decline in record["declines"]] == ["QM-GL", "TT-GL"]
    assert record["surplus"]["is_met"] is True
    assert record["by"]["name"] == "test"
    values = {value["path"]: value["value"] for value in record["declines"][1]["reasons"][0]["values"]}
    assert values == {"mqs_gl_max_height": "25", "mqs_gl_roofing": "Yes"}


def test_an_export_is_recorded_once_per_version(api: Api, s4: Sample, harbor: Tenant) -> None:
    copy = api.start(s4)

    first, second = (json.loads(export(api, copy["id"])) for _ in range(2))

    assert [(row.act, row.product, row.version) for row in records(harbor)] == [("exported", "OH-GL", 2)]
    assert first["content"]["declines"] == second["content"]["declines"]
    assert [record["version"] for record in first["content"]["declines"]["records"]] == [2]
    events = api.get(f"/copies/{copy['id']}/events").json()["results"]
    assert [event["kind"] for event in events] == ["declines_exported"]

    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_business_name": "Another name"}})
    export(api, copy["id"])
    assert [row.version for row in records(harbor)] == [2, 4]


def test_an_export_without_declines_leaves_no_record(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)

    export(api, copy["id"])

    assert records(harbor) == []
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 1


def test_the_record_of_a_locked_copy_follows_once(api: Api, s4: Sample, harbor: Tenant) -> None:
    copy = api.start(s4)
    api.post(f"/copies/{copy['id']}/lock", {"reason": "Bound"})

    for _ in range(2):
        assert json.loads(export(api, copy["id"]))["content"]["declines"]["records"] == []
    with use_tenant(harbor):
        (action,) = OutboxAction.objects.filter(kind="record_declination")
        assert (action.target, action.payload["version"]) == (f"OH-GL/{copy['id']}", 2)
        handler = handler_of("record_declination")
        for _ in range(2):
            handler(delivered(RecordDeclination(**action.payload), harbor))

    (record,) = records(harbor)
    assert (record.act, record.version, record.product) == ("exported", 2, "OH-GL")
    assert record.actor_type == "api_client"
    assert record.inputs["mqs_gl_max_height"] == 25
    (shown,) = json.loads(export(api, copy["id"]))["content"]["declines"]["records"]
    assert shown["id"] == str(record.id)


def test_a_locked_copy_is_exported_as_it_is(api: Api, s4: Sample, harbor: Tenant) -> None:
    copy = api.start(s4)
    export(api, copy["id"])
    api.post(f"/copies/{copy['id']}/lock", {"reason": "Bound"})

    content = json.loads(export(api, copy["id"]))["content"]

    assert [record["version"] for record in content["declines"]["records"]] == [2]
    assert len(records(harbor)) == 1
    with use_tenant(harbor):
        assert OutboxAction.objects.filter(kind="record_declination").count() == 1


def test_an_export_needs_both_rights(api: Api, s4: Sample, harbor_client: ApiClient, harbor: Tenant) -> None:
    copy = api.start(s4)

    for rights, missing in (([Right.WRITE_FORMS], "forms:read"), ([Right.READ_FORMS], "forms:write")):
        response = Api(harbor_client, rights).post(f"/copies/{copy['id']}/declines/export", {})
        assert missing in assert_problem(response, 403, "missing_right")["detail"]

    assert records(harbor) == []


def faults(content: bytes) -> str:
    return fault_in(content, keys())


def test_an_export_is_verified_by_the_published_keys(api: Api, s4: Sample, tmp_path: Path) -> None:
    content = export(api, api.start(s4)["id"])
    (tmp_path / "declines.json").write_bytes(content)
    (tmp_path / "keys.json").write_bytes(Client().get(f"{V1}/signing_keys").content)

    assert faults(content) == ""
    for file, status in (("declines.json", 0), ("altered.json", 1)):
        (tmp_path / "altered.json").write_bytes(content.replace(b"QM-GL", b"QM-XL"))
        run = subprocess.run(
            [sys.executable, verify_export.__file__, file, "keys.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, run.stdout + run.stderr


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a JSON tree."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = deepcopy(tree)
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


def test_every_altered_field_is_found(api: Api, s4: Sample) -> None:
    content = export(api, api.start(s4)["id"])
    tree, known = json.loads(content), keys()

    altered = [replaced(tree, path, "altered") for path in places(tree) if path]
    altered += [{**tree, "content": {**tree["content"], "more": 1}}, {**tree, "more": 1}]

    assert len(altered) > 60
    assert [item for item in altered if not fault_in(canonical(item) + b"\n", known)] == []


def test_every_altered_byte_is_found(api: Api, s4: Sample) -> None:
    content, known, drawn = export(api, api.start(s4)["id"]), keys(), random.Random(4)

    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1 << drawn.randrange(8)
        assert fault_in(bytes(altered), known), place
    for other in (content[:-1], content + b" ", b" " + content, content + content, b"", b"[]", b"null", b"[" * 9_000):
        assert fault_in(other, known)
    assert fault_in(content, {}) and fault_in(content, dict.fromkeys(known, "AAAA"))
