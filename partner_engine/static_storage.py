"""Static files with hashed names, including imports between the product's JavaScript modules."""

from __future__ import annotations

from datetime import datetime

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

from partner_engine.static_version import MANIFEST, own_manifest

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


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

    def get_modified_time(self, name: str) -> datetime:
        """Raise, so that ``collectstatic`` copies every file: it would skip files that are older than collected ones,
        as those of an unpacked archive are.
        """
        raise NotImplementedError
