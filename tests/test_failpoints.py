"""Points of a save that can be armed: each is in the code once, acts in its turn, and never by mistake."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from failpoints import FAILPOINTS, FailpointReached, FailpointsRefused, armed, failpoint, parse
from tests.harness.tiers import PATIENCE

CHECKOUT = Path(__file__).resolve().parents[1]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process with only this environment."""
    own = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    own |= {"DJANGO_SETTINGS_MODULE": "partner_engine.settings", "DEBUG": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=own,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )


def test_unarmed_points_do_nothing() -> None:
    for name in FAILPOINTS:
        failpoint(name)


def test_an_armed_point_acts_in_its_turn_and_once() -> None:
    seen: list[str] = []

    with armed("written", nth=2, action=seen.append):
        for name in ("written", "loaded", "written", "written"):
            failpoint(name)
            seen.append("-")

    assert seen == ["-", "-", "written", "-", "-"]
    failpoint("written")
    assert seen[-1] == "-"


def test_raising_is_the_action_in_a_process() -> None:
    with armed("loaded"), pytest.raises(FailpointReached, match="'loaded'"):
        failpoint("loaded")


def test_an_inner_point_gives_way_to_the_outer_one() -> None:
    with armed("loaded"):
        with armed("written"):
            failpoint("loaded")
        with pytest.raises(FailpointReached):
            failpoint("loaded")


@pytest.mark.parametrize("text", ["nowhere", "written:0", "written:1:explode", "written:1:kill:x", "written::", ":1"])
def test_invalid_failpoints_are_refused(text: str) -> None:
    with pytest.raises(FailpointsRefused):
        parse(text)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(FailpointsRefused, match="no failpoint 'nowhere'"), armed("nowhere"):
        pass
    with armed("written"), pytest.raises(FailpointsRefused):
        failpoint("nowhere")
    assert parse("") is None


def test_nothing_is_armed_where_debug_is_off(settings: Settings) -> None:
    settings.FAILPOINTS_ALLOWED = False

    with pytest.raises(FailpointsRefused, match="DEBUG is off"), armed("written"):
        pass


def test_the_environment_arms_a_whole_process() -> None:
    code = "from failpoints import failpoint; failpoint('loaded'); print('first', flush=True); failpoint('loaded')"

    assert run(code, FAILPOINT="loaded:2").returncode == -signal.SIGKILL
    done = run(code, FAILPOINT="loaded:raise")
    assert (done.stdout, "FailpointReached" in done.stderr) == ("", True)
    assert run(code, FAILPOINT="loaded:2:raise").stdout == "first\n"


def test_production_refuses_to_load_it_with_a_reason() -> None:
    refused = run("import failpoints", DEBUG="0", FAILPOINT="loaded")
    allowed = run("import failpoints", DEBUG="0", FAILPOINT="loaded", ALLOW_FAILPOINTS="1")

    assert "DEBUG is off: take FAILPOINT out" in refused.stderr
    assert allowed.returncode == 0, allowed.stderr


def test_each_point_is_in_the_code_once() -> None:
    found = []
    for path in (
        path
        for room in ("batch", "actions", "webhooks", "catalogue", "decisions", "quoting", "tenants", "operations")
        for path in CHECKOUT.joinpath(room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "failpoint":
                (name,) = node.args
                assert isinstance(name, ast.Constant), path
                found.append(name.value)

    assert sorted(found) == sorted(FAILPOINTS)
