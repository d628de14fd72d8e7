"""Static files with hashed names, including imports between the product's JavaScript modules."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from partner_engine.static_version import MANIFEST, is_named_by_content, own_manifest

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class CompressOnce(Compressor):
    """Compresses each file that pages ask for once in the life of the folder: the hash in its name stands for its
    content. Maps for developers' tools stay as they are.
    """

    def should_compress(self, filename: str) -> bool:
        """Return whether compressing the file can make it smaller and browsers ask for it."""
        return not filename.endswith(".map") and bool(super().should_compress(filename))

    def compress(self, path: str) -> list[str]:
        """Write the compressed files that are missing beside the file; return their paths."""
        # The one with gzip is written last.
        if Path(f"{path}.gz").exists() or not is_named_by_content(Path(path)):
            return []
        return list(super().compress(path))

    def write_data(self, path: str, data: bytes, suffix: str, stat_result: os.stat_result) -> str:
        """Write a whole file or none: a later run would take the part that a stopped one left."""
        written = Path(super().write_data(path, data, f"{suffix}.part", stat_result))
        return str(written.rename(path + suffix))


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """Hashes the names of imported modules too, so that browsers may cache them permanently.

    The folder may contain the files of several versions, each with a manifest of its own.
    """

    support_js_module_import_aggregation = True
    # Bundles of packages contain text that looks like imports of missing files.
    _js_module_import_aggregation_patterns = ("web/*.js", _IMPORTS)
    # A hash changes with the names in its file, so the longest chain of imports needs one pass per step.
    max_post_process_passes = 20

    def read_manifest(self) -> str | None:
        """Return the manifest of this version, or the one that was collected last."""
        for self.manifest_name in (own_manifest(), MANIFEST):
            if (manifest := super().read_manifest()) is not None:
                return manifest
        return None

    def save_manifest(self) -> None:
        """Write the manifest of this version, also as the one that was collected last."""
        for self.manifest_name in (MANIFEST, own_manifest()):
            super().save_manifest()

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses the collected files."""
        return CompressOnce(**options)

    def get_modified_time(self, name: str) -> datetime:
        """Raise, so that ``collectstatic`` copies every file: it would skip files that are older than collected ones,
        as those of an unpacked archive are.
        """
        raise NotImplementedError
