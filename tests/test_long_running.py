"""Programs that run long collect garbage rarely, and know the types of JSON before threads decode them: msgspec crashes
where two learn one at the same time.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.core.management import call_command

import long_running
from actions.management.commands import relay
from long_running import NEW_OBJECTS, PERMISSION, collect_rarely, hold_in_huge_pages, prepare_types
from partner_engine import celery
from tests.harness.web_servers import ROOT, database_url

USUAL = 700
#: How often the type of a field was looked up.
_lookups: list[int] = []


def text() -> type[str]:
    _lookups.append(1)
    return str


class Inner(msgspec.Struct):
    title: text()  # type: ignore[valid-type]  # looked up when msgspec learns the struct


class Unknown(msgspec.Struct):
    """No decoder can be made for it."""

    of: Missing  # type: ignore[name-defined]  # noqa: F821


@pytest.fixture
def usual_collection() -> Iterator[None]:
    """Let the process begin as Python does."""
    before = gc.get_threshold()
    gc.set_threshold(USUAL)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("usual_collection")
def test_what_is_loaded_is_left_out_and_looks_are_rare() -> None:
    before = gc.get_freeze_count()
    loaded = [[number] for number in range(1_000)]

    collect_rarely()

    assert gc.get_threshold()[0] == NEW_OBJECTS
    assert gc.get_freeze_count() >= before + len(loaded)
    assert gc.isenabled()


@pytest.mark.usefixtures("usual_collection")
def test_a_relay_begins_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(relay, "poll_until", lambda *_, **__: seen.append(gc.get_threshold()[0]))
    monkeypatch.setattr("signal.signal", lambda *_: None)

    call_command("relay", skip_checks=True)

    assert seen == [NEW_OBJECTS]


@pytest.mark.usefixtures("usual_collection")
def test_a_worker_begins_so_before_it_forks() -> None:
    celery.worker_before_create_process.send(sender=None)

    assert gc.get_threshold()[0] == NEW_OBJECTS


def test_structs_are_learned_once_and_before_they_are_decoded() -> None:
    assert prepare_types() > 100

    assert len(_lookups) == 1
    assert msgspec.json.decode(b'{"title": "Base"}', type=Inner) == Inner("Base")
    assert msgspec.convert({"title": "Base"}, Inner) == Inner("Base")
    assert len(_lookups) == 1


HUGE_PAGES = r"""
import mmap, re
from pathlib import Path
import long_running
held, small = mmap.mmap(-1, 3 * long_running.HUGE, mmap.MAP_PRIVATE), [bytearray(100) for _ in range(200_000)]
assert long_running.hold_in_huge_pages() >= 3 * long_running.HUGE
regions = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
advised = [region for region in regions if re.search(r"VmFlags:.* hg\b", region)]
assert len(advised) >= 2, regions
assert all(" rw-p " in region.splitlines()[0] for region in advised), advised
assert len(small) == 200_000 and held[:3] == bytes(3)
"""


needs_huge_pages = pytest.mark.skipif(
    not PERMISSION.exists() or "[never]" in PERMISSION.read_text(), reason="this system has no huge pages"
)


@needs_huge_pages
def test_memory_is_held_in_huge_pages() -> None:
    done = subprocess.run([sys.executable, "-c", HUGE_PAGES], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_an_administrator_may_refuse_huge_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusal = tmp_path / "enabled"
    refusal.write_text("always madvise [never]\n")
    monkeypatch.setattr(long_running, "PERMISSION", refusal)
    monkeypatch.setattr(long_running, "MAPS", tmp_path / "unread")
    assert hold_in_huge_pages() == 0

    monkeypatch.setattr(long_running, "PERMISSION", tmp_path / "of no Linux")
    assert hold_in_huge_pages() == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "start",
    [
        pytest.param("import partner_engine.asgi", id="web"),
        pytest.param(
            "import signal; from actions.management.commands import relay; relay.poll_until = lambda *_, **__: None; "
            "from django.core.management import execute_from_command_line as run; run(['manage.py', 'relay'])",
            id="relay",
        ),
    ],
)
def test_a_program_knows_the_types_that_it_decodes_before_threads_begin(start: str) -> None:
    # What is defined after the start is learned by the threads.
    program = f"""
{start}
from long_running import prepare_types
before = prepare_types()
from importlib import import_module
from django.conf import settings
from actions.registry import REGISTRY
from django.urls import get_resolver
REGISTRY.of_lane("relay")
if {start.endswith("asgi")}:
    get_resolver(settings.ROOT_URLCONF).url_patterns
assert prepare_types() == before > 300, before
"""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_huge_pages
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_web_process_is_held_in_huge_pages() -> None:
    program = """
import re
from pathlib import Path
import partner_engine.asgi
assert re.search(r"VmFlags:.* hg\\b", Path("/proc/self/smaps").read_text())
"""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
