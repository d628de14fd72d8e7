"""The documentation of the carrier API: its OpenAPI document is current, and its examples run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from carriers.links import wire as product_wire
from carriers.simulator.declarations import Behavior
from carriers.simulator.openapi import document
from carriers.simulator.wire import Binding, Eligibility, Quote
from tests.harness.carrier_simulator import CarrierSimulator

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "carrier-api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)


def test_the_openapi_document_is_current() -> None:
    committed = (DOCS / "carrier-api.openapi.json").read_text(encoding="utf-8")

    assert committed == document(), "write it: python -m carriers.simulator.openapi > docs/carrier-api.openapi.json"


def test_every_carrier_shows_the_same_document(carrier_simulator: CarrierSimulator) -> None:
    with urlopen(f"{carrier_simulator.url}/GF/openapi.json") as response:  # noqa: S310
        shown = json.load(response)

    assert shown.pop("servers") == [{"url": "/GF"}]
    assert shown == json.loads(document())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples need curl")
def test_the_examples_run_in_order(carrier_simulator: CarrierSimulator) -> None:
    marked = "\necho; echo ----\n".join(blocks("sh"))
    environment = {
        "PATH": os.environ["PATH"],
        "CARRIER": carrier_simulator.address("QM"),
        "SIMULATOR": carrier_simulator.url,
    }

    run = subprocess.run(
        ["bash", "-eu", "-c", marked],  # noqa: S607
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    _signed_in, quote, read, bound, checked, behavior = (part.strip() for part in run.stdout.split("----"))
    assert json.loads(quote)["premium"] == {"amount": 2_451, "currency": "USD"}
    assert json.loads(read) == json.loads(quote)
    first, second = (json.loads(part) for part in bound.replace("}{", "}\n{").splitlines())
    assert first == second
    assert first["status"] == "bound"
    assert json.loads(checked)["status"] == "decline"
    assert json.loads(behavior)["has_estimate"] is True


def test_the_example_of_a_quote_is_one() -> None:
    (example,) = (json.loads(block) for block in blocks("json"))

    assert Quote.model_validate(example).model_dump(mode="json") == example


def test_the_example_of_a_signature_is_right() -> None:
    (example,) = blocks("python")

    exec(compile(example, "carrier-api.md", "exec"), {})  # noqa: S102 - our own documentation


def test_every_field_of_the_behavior_is_on_the_page() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)

    assert Behavior.model_fields.keys() <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(Quote, product_wire.Quote), (Binding, product_wire.Binding), (Eligibility, product_wire.Eligibility)],
)
def test_both_sides_name_the_same_fields(ours: type, theirs: type) -> None:
    assert set(ours.model_fields) == set(theirs.__struct_fields__)
