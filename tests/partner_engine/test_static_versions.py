"""Versions share a folder of collected files: each finds its own, and serves the files of the others."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings
from whitenoise.compress import Compressor

from partner_engine.start_checks import static_fault
from partner_engine.static_middleware import StaticFiles
from partner_engine.static_storage import ModuleStorage
from partner_engine.static_version import MANIFEST, own_manifest

NAME = "web/page.css"
#: Older than anything that is collected, as the files of an unpacked archive are.
LONG_AGO = 1_000_000_000


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Return the folder of collected files, which two versions share."""
    settings.DEVELOPMENT, settings.STATIC_ROOT = False, tmp_path / "collected"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "partner_engine.static_storage.ModuleStorage"},
    }
    for number in ("one", "two"):
        (tmp_path / number / "web").mkdir(parents=True)
        (tmp_path / number / NAME).write_text(f"a {{ content: '{number}' }}")
    return tmp_path / "collected"


def use(number: str, settings: Settings) -> ModuleStorage:
    """Run as the process of a version that has just started; return its storage."""
    settings.STATICFILES_DIRS = [settings.STATIC_ROOT.parent / number]
    return ModuleStorage()


def collect(number: str, settings: Settings) -> None:
    use(number, settings)
    call_command("collectstatic", interactive=False, verbosity=0)


def test_each_version_finds_its_own_files_after_the_other_was_collected(folder: Path, settings: Settings) -> None:
    collect("one", settings)
    collect("two", settings)

    names = {number: use(number, settings).stored_name(NAME) for number in ("one", "two")}

    assert {number: (folder / name).read_text()[14:17] for number, name in names.items()} == {
        "one": "one",
        "two": "two",
    }


def test_an_earlier_version_starts_again_without_collecting(folder: Path, settings: Settings) -> None:
    collect("one", settings)
    collect("two", settings)

    use("one", settings)
    assert static_fault() == ""
    collected = folder / use("one", settings).stored_name(NAME)
    collected.write_text(collected.read_text() + "steal(document.cookie);")
    assert static_fault().startswith("Static files were removed or changed: web/page.")
    collected.unlink()
    assert static_fault().startswith("Static files were removed or changed: web/page.")


def test_a_version_that_was_not_collected_is_refused_beside_another_one(folder: Path, settings: Settings) -> None:
    collect("one", settings)

    use("two", settings)

    assert static_fault().startswith(f"The static files are those of another version: {NAME}")


def test_files_older_than_the_collected_ones_are_collected(folder: Path, settings: Settings) -> None:
    os.utime(folder.parent / "two" / NAME, (LONG_AGO, LONG_AGO))
    collect("one", settings)

    collect("two", settings)

    assert static_fault() == ""
    assert (folder / use("two", settings).stored_name(NAME)).read_text() == "a { content: 'two' }"


def test_a_manifest_of_earlier_installations_is_still_read(folder: Path, settings: Settings) -> None:
    collect("one", settings)
    (folder / own_manifest()).unlink()

    assert use("one", settings).stored_name(NAME) == json.loads((folder / MANIFEST).read_text())["paths"][NAME]
    assert static_fault() == ""


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what is compressed with Brotli from now on."""
    contents: list[bytes] = []
    compress_brotli = Compressor.compress_brotli

    def noted(data: bytes) -> bytes:
        contents.append(data)
        return bytes(compress_brotli(data))

    monkeypatch.setattr(Compressor, "compress_brotli", staticmethod(noted))
    return contents


def test_a_file_is_compressed_once_under_the_name_that_pages_ask_for(
    folder: Path, settings: Settings, compressed: list[bytes]
) -> None:
    for name in ("other.css", "page.js.map"):
        (folder.parent / "one" / "web" / name).write_text("long " * 100)
    (folder.parent / "two" / "web" / "other.css").write_text("long " * 100)
    collect("one", settings)
    assert sorted(compressed) == [b"a { content: 'one' }", b"long " * 100]
    compressed.clear()

    collect("two", settings)

    assert compressed == [b"a { content: 'two' }"]
    name = use("two", settings).stored_name("web/other.css")
    assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == b"long " * 100
    assert (folder / f"{name}.br").exists()
    assert not (folder / "web" / "other.css.br").exists()


def test_a_run_that_was_stopped_leaves_no_part_of_a_compressed_file(
    folder: Path, settings: Settings, compressed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "one" / NAME).write_text("long " * 100)
    with monkeypatch.context() as stopped:
        stopped.setattr(os, "utime", _stop)
        with pytest.raises(KeyboardInterrupt):
            collect("one", settings)
    name = use("one", settings).stored_name(NAME)
    assert not (folder / f"{name}.br").exists()

    collect("one", settings)

    assert compressed == [b"long " * 100] * 2
    assert {path.name for path in (folder / name).parent.glob("*.*.css.*")} == {
        Path(f"{name}.{suffix}").name for suffix in ("br", "gz")
    }


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def respond(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the product", status=404)


def get(served: StaticFiles, path: str) -> tuple[int, bytes]:
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    response = served(request)
    if not response.streaming:
        return response.status_code, response.content
    content = b"".join(response)
    response.file_to_stream.close()
    return response.status_code, content


def test_a_process_serves_what_was_collected_after_its_start(folder: Path, settings: Settings) -> None:
    collect("one", settings)
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    served = StaticFiles(respond)
    collect("two", settings)
    newer = use("two", settings).stored_name(NAME)

    assert get(served, f"/static/{newer}") == (200, b"a { content: 'two' }")
    assert get(served, "/static/web/page.000000000000.css") == (404, b"the product")


def test_nothing_else_is_looked_up_in_the_file_system(folder: Path, settings: Settings) -> None:
    collect("one", settings)
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    served = StaticFiles(respond)
    for outside in ("secret.0123456789ab.txt", "collected/plain.txt", "collected/.env.0123456789ab.txt"):
        (folder.parent / outside).write_text("secret")

    for name in (
        "../secret.0123456789ab.txt",
        "web/../../secret.0123456789ab.txt",
        "plain.txt",
        ".env.0123456789ab.txt",
    ):
        assert get(served, f"/static/{name}") == (404, b"the product"), name
