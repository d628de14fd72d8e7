"""`make sbom`: what the product consists of, as one CycloneDX file for scanners.

uv writes the packages of uv.lock with their hashes and who needs whom; added are the licenses, which only installed
packages name, that of the product, and the files of others that the repository contains.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from house.errors import HouseError
from house.packages import UV, ensure_packages, uv_environment
from house.place import CHECKOUT, RUN, VENV
from house.supervisor import Supervisor, say

TARGET = RUN / "sbom.cdx.json"
#: Files of others in the repository: name, version, license and kind.
INCLUDED = (
    ("idiomorph", "0.8.0", "0BSD", "pkg:npm/idiomorph@0.8.0", "static/web/vendor/idiomorph-0.8.0.min.js"),
    ("inter", "4", "OFL-1.1", "pkg:generic/inter@4", "static/web/fonts/inter-latin-wght-normal.woff2"),
)
_CLASSIFIER = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


def sbom(arguments: Sequence[str]) -> int:
    """Write the file to the path in `arguments`, or to `.run/sbom.cdx.json`."""
    target = Path(arguments[0]) if arguments else TARGET
    with Supervisor() as supervisor:
        # The optional packages are listed too; their licenses only where they are installed.
        ensure_packages(supervisor)
        export: list[str | Path] = [UV, "export", "--quiet", "--frozen", "--no-default-groups", "--all-extras"]
        options: list[str | Path] = ["--format", "cyclonedx1.5", "--preview-features", "sbom-export"]
        if supervisor.run([*export, *options, "--output-file", target], environment=uv_environment(), folder=CHECKOUT):
            raise HouseError("uv could not write the packages; its lines above say why.")
    found = [*VENV.glob("lib/python*/site-packages")]
    installed = {_name(entry.name): entry for entry in distributions(path=[str(path) for path in found])}
    bill = completed(json.loads(target.read_text(encoding="utf-8")), installed)
    target.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    say(f"{len(bill['components'])} components are in {target}.")
    return 0


def completed(bill: dict[str, Any], installed: dict[str, Distribution]) -> dict[str, Any]:
    """Return `bill` with the licenses of the product and of installed packages, and with the files of others."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    product = bill.setdefault("metadata", {}).setdefault("component", {})
    product["licenses"] = [{"license": {"name": project["license"]}}]
    for component in bill["components"]:
        license = _license_of(installed.get(_name(component["name"])))
        if license:
            component["licenses"] = [license]
    for name, version, license_id, purl, path in INCLUDED:
        bill["components"].append(
            {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "purl": purl,
                "licenses": [{"license": {"id": license_id}}],
                "properties": [{"name": "partner-engine:file", "value": path}],
            }
        )
    return bill


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _license_of(package: Distribution | None) -> dict[str, Any] | None:
    """Return the license that the package names: an expression, else classifiers, else its first line of text."""
    if package is None:
        return None
    expressions, texts, classifiers = (
        package.metadata.get_all(name) or [] for name in ("License-Expression", "License", "Classifier")
    )
    if expressions:
        return {"expression": expressions[0]}
    named = [match[1] for line in classifiers if (match := _CLASSIFIER.fullmatch(line))]
    text = " AND ".join(named) or "".join(texts[:1]).strip().partition("\n")[0]
    return {"license": {"name": text[:120]}} if text else None
