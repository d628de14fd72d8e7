"""Static files with hashed names, including imports between the product's JavaScript modules."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """Hashes the names of imported modules too, so that browsers may cache them permanently."""

    support_js_module_import_aggregation = True
    # Bundles of packages contain text that looks like imports of missing files.
    _js_module_import_aggregation_patterns = ("web/*.js", _IMPORTS)
    # A hash changes with the names in its file, so the longest chain of imports needs one pass per step.
    max_post_process_passes = 20
