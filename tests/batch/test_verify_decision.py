"""``verify_decision.py``: an exported decision is right as it is, and wrong after any change."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.core.management import CommandError, call_command

import verify_decision
from batch import service as batch
from copies.document import Document
from rules.definition.catalogue import CatalogueDefinition
from rules.flow.evaluation import Evaluation
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from verify_decision import IN_PART, RIGHT, WRONG, verify

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]
Exported = dict[str, Any]


@pytest.fixture
def exported(make_form: MakeForm, kennels: Tenant, agent: Actor) -> Exported:
    """Return the decision of version 2 of a copy, which was exported at version 3 under a later release."""
    form_id = make_form()
    for answers in ({"has_cats": True, "cat_count": 60}, {"cat_count": 120}):
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            context.changeset.apply_answers(answers)
            context.save()
    publish_release(with_sensitivity(KENNELS, owner_phone="pii"))
    return export(form_id, "--at-version", "2")


def export(form_id: UUID, *arguments: str) -> Exported:
    out = StringIO()
    call_command("export_decision", "kennels", str(form_id), *arguments, stdout=out)
    return json.loads(out.getvalue())


def check(exported: Exported, anchors: dict[tuple[str, int], str] | None = None) -> verify_decision.Report:
    return verify(json.dumps(exported).encode(), anchors)


def test_a_decision_is_right_without_django(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text(json.dumps(exported))
    code = (
        "import sys, verify_decision; status = verify_decision.main(); "
        "assert 'django' not in sys.modules; sys.exit(status)"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code, str(tmp_path / "decision.json")],
        cwd=Path(verify_decision.__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (RIGHT, "The decision is right.\n"), done.stderr
    assert check(exported, {(exported["heading"]["copy_id"], 2): exported["link"]}).status == RIGHT


def other_text(exported: Exported, name: str) -> None:
    exported["heading"][name] = exported["heading"][name][:-1] + ("a" if exported["heading"][name][-1:] != "a" else "b")


def other_answer(exported: Exported) -> None:
    content = base64.b64decode(exported["document"])
    document = msgspec.json.decode(content[1:], type=Document)
    document.answers["cat_count"].value = 10
    exported["document"] = base64.b64encode(content[:1] + msgspec.json.encode(document)).decode()


def other_premium(exported: Exported) -> None:
    evaluation = msgspec.json.decode(exported["evaluation"], type=Evaluation)
    outcome = msgspec.structs.replace(evaluation.eligibility["PA-CARE"], premium=1)
    exported["evaluation"] = msgspec.json.encode(
        msgspec.structs.replace(evaluation, eligibility={"PA-CARE": outcome})
    ).decode()


def other_release(exported: Exported) -> None:
    release = exported["release"]
    definition = msgspec.json.decode(base64.b64decode(release["content"]), type=CatalogueDefinition)
    product = msgspec.structs.replace(definition.products[0], rules=())
    changed = msgspec.structs.replace(definition, products=(product, *definition.products[1:]))
    release["content"] = base64.b64encode(msgspec.json.encode(changed)).decode()


TAMPERINGS: dict[str, Callable[[Exported], object]] = {
    "answer": other_answer,
    "premium": other_premium,
    "release": other_release,
    "release id": lambda exported: exported["release"].update(id=99),
    "heading's release": lambda exported: exported["heading"].update(release_id=99),
    "author": lambda exported: other_text(exported, "actor_label"),
    "time": lambda exported: other_text(exported, "created_at"),
    "copy": lambda exported: other_text(exported, "copy_id"),
    "version": lambda exported: exported["heading"].update(version=3),
    "link before": lambda exported: exported.update(previous="00" * 32),
    "link": lambda exported: exported.update(link="11" * 32),
    "changes": lambda exported: exported.update(changes_digest="11" * 32),
    "format": lambda exported: exported.update(format=2),
    "nothing left": lambda exported: exported.clear(),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_decision_is_wrong(exported: Exported, tampering: str) -> None:
    TAMPERINGS[tampering](exported)

    assert check(exported).status == WRONG


def test_a_forged_decision_with_a_right_link_is_not_what_the_rules_say_or_was_noted(exported: Exported) -> None:
    noted = {(exported["heading"]["copy_id"], 2): exported["link"]}
    other_premium(exported)
    link_again(exported)

    faults = check(exported).faults
    assert faults and all("the rules say" in fault for fault in faults)
    assert "noted" in check(exported, noted).faults[0]


def link_again(exported: Exported) -> None:
    head = msgspec.convert(exported["heading"], verify_decision.Heading)
    digest = verify_decision.chain.joined_digest(
        *(
            verify_decision.hashlib.sha256(part).digest()
            for part in (base64.b64decode(exported["document"]), exported["evaluation"].encode())
        ),
        bytes.fromhex(exported["changes_digest"]),
    )
    exported["link"] = verify_decision.chain.link(bytes.fromhex(exported["previous"]), head, digest).hex()


def test_sealed_answers_stay_sealed_and_open_ones_are_not_exported(make_form: MakeForm, kennels: Tenant) -> None:
    before = make_form({"owner_phone": "614-555-0101"})
    publish_release(with_sensitivity(KENNELS, owner_phone="spi"))
    sealed = export(make_form({"owner_phone": "614-555-0102"}))

    assert b"5550102" not in base64.b64decode(sealed["document"])
    assert check(sealed).status in (RIGHT, IN_PART)
    with pytest.raises(CommandError, match="secret by now"):
        export(before)
    call_command("seal_answers", stdout=StringIO(), stderr=StringIO())
    with pytest.raises(CommandError, match="secret by now"):
        export(before, "--at-version", "1")
    assert check(export(before)).status in (RIGHT, IN_PART)
