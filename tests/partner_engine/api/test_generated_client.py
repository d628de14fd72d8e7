"""A typed Python client is generated from the committed description without a warning, passes mypy as strict, and does
the main job against a running server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalogue.demo import Sample
from catalogue.models import Release
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, form_body
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.quoting_world import Quoting
from tests.harness.web_servers import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
JOB = ROOT / "tests" / "harness" / "generated_client_job.py"


def run(command: list[str], *, folder: Path) -> None:
    """Run a program of the virtual environment in ``folder``; show its output if it fails."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": str(folder), "COLUMNS": "200"},
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the generated package ``partner_api``."""
    folder = tmp_path_factory.mktemp("client")
    settings = (ROOT / "docs" / "python-client.yml").read_text(encoding="utf-8")
    (folder / "client.yml").write_text(f"{settings}\npost_hooks: []\n", encoding="utf-8")
    description = str(ROOT / "docs" / "openapi.json")
    order = ["openapi-python-client", "generate", "--path", description, "--config", "client.yml"]
    run([*order, "--output-path", "partner_api", "--meta", "none", "--fail-on-warning"], folder=folder)
    return folder


def test_client_and_program_have_strict_types(client_folder: Path) -> None:
    # Apart from the project's own configuration.
    order = ["mypy", "--strict", "--no-incremental", "--config-file", os.devnull, "--python-version", "3.11"]
    run([*order, str(JOB), "partner_api"], folder=client_folder)


def test_the_main_job(
    client_folder: Path,
    demo: Release,
    web_server: int,
    harbor: Tenant,
    harbor_client: ApiClient,
    carrier_simulator: CarrierSimulator,
    s1: Sample,
) -> None:
    world = Quoting(harbor, carrier_simulator)
    world.link_up()
    sample = client_folder / "sample.json"
    sample.write_text(json.dumps(form_body(s1)), encoding="utf-8")
    address, token = f"http://127.0.0.1:{web_server}", Api(harbor_client).token

    with subprocess.Popen(
        [sys.executable, str(JOB), address, token, s1.as_of.isoformat(), str(sample)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(client_folder)},
    ) as job:
        world.run(lambda: job.poll() is not None, seconds=180)
        output = job.stdout.read() if job.stdout else ""

    assert job.returncode == 0, output[-4000:]
