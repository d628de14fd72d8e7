"""Static files under names with hashes, also where one JavaScript module of ours imports another."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """Give the modules that a module imports their hashed names too, so that browsers may keep them for good."""

    support_js_module_import_aggregation = True
    # Packages ship bundles that contain words which look like imports of missing files.
    _js_module_import_aggregation_patterns = ("web/*.js", _IMPORTS)
    # A name changes with the names in the file, so there is one pass for each step of the longest chain of imports.
    max_post_process_passes = 20
