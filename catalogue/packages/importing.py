"""Imports a signed carrier package into the draft of a catalogue, all of it or nothing."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from django.db import transaction

from catalogue.drafts import read_draft
from catalogue.loader import load
from catalogue.models import Catalogue, PackageImport, PackagePublisher
from catalogue.packages.contents import CarrierPackage, with_packages
from catalogue.packages.files import PackageFile
from catalogue.packages.golden import differences
from catalogue.strict_check import check_catalogue
from encryption.signatures import BadSignature, Signature, canonical, key_id_of, public_keys, verify
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueWarning

#: Signatures of packages are valid for nothing else.
PURPOSE = "carrier package"


class PackageRefused(Exception):
    """The package cannot be imported; the message states why, and what to do. Nothing was changed."""


class Unsigned(PackageRefused):
    """The package has no signature."""


class Untrusted(PackageRefused):
    """The package was altered, or no known publisher signed it."""


class NotNewer(PackageRefused):
    """This version, or a later one, was imported before."""


class GoldenCasesDiffer(PackageRefused):
    """The catalogue with the package decides golden cases in another way than the package expects."""


class NoSuchCatalogue(PackageRefused):
    """The catalogue to import into does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The result of an import: the draft ``before`` and ``after`` it, the publisher, and warnings about the draft."""

    catalogue: Catalogue
    publisher: str
    before: CatalogueDefinition
    after: CatalogueDefinition
    warnings: list[CatalogueWarning]


def publisher_of(file: PackageFile) -> tuple[str, str]:
    """Return name and key id of the publisher who signed ``file``; this installation is "own".

    Raises ``Unsigned``, ``Untrusted``.
    """
    if file.signature is None:
        raise Unsigned("The package is not signed: export it again, or sign it with sign_carrier_package.")
    names = dict.fromkeys(public_keys(), "own")
    keys = dict(public_keys())
    for publisher in PackagePublisher.objects.all():
        identity = key_id_of(base64.b64decode(publisher.public_key))
        names.setdefault(identity, publisher.name)
        keys.setdefault(identity, publisher.public_key)
    signature = Signature(key=file.signature.get("key", ""), value=file.signature.get("value", ""))
    try:
        verify(canonical(file.package), signature, purpose=PURPOSE, keys=keys)
    except BadSignature as error:
        raise Untrusted(f"{error} Add its publisher's public key, or ask for the original file.") from error
    return names[signature.key], signature.key


def import_package(
    file: PackageFile, *, catalogue_code: str, actor_id: str, dry_run: bool = False
) -> Imported:  # fmt: skip
    """Put the package of ``file`` into the draft of ``catalogue_code``, in place of the carrier's earlier parts.

    Raises ``PackageRefused`` for its reasons, ``CatalogueErrors`` where the draft would have faults. ``dry_run`` only
    checks.
    """
    package = file.package
    publisher, key = publisher_of(file)
    with transaction.atomic():
        catalogue = Catalogue.objects.select_for_update().filter(code=catalogue_code).first()
        if catalogue is None:
            raise NoSuchCatalogue(f"There is no catalogue {catalogue_code!r}: load it first.")
        _require_newer(package, catalogue)
        before = read_draft(catalogue)
        merged = with_packages(before, [package])
        checked = check_catalogue(merged)
        found = differences(checked.compiled, package.golden)
        if found:
            raise GoldenCasesDiffer(f"{len(found)} golden cases differ: {' '.join(found[:5])}")
        if not dry_run:
            load(merged)
            PackageImport.objects.create(
                catalogue=catalogue,
                carrier=package.carrier.code,
                version=package.package.version,
                publisher=publisher,
                signed_by=key,
                checksum=hashlib.sha256(canonical(package)).hexdigest(),
                imported_by_id=actor_id,
            )
    return Imported(catalogue=catalogue, publisher=publisher, before=before, after=merged, warnings=checked.warnings)


def _require_newer(package: CarrierPackage, catalogue: Catalogue) -> None:
    earlier = catalogue.package_imports.filter(carrier=package.carrier.code, version__gte=package.package.version)
    if (known := earlier.first()) is not None:
        raise NotNewer(
            f"Version {known.version} of {known.carrier} was imported on {known.imported_at:%Y-%m-%d}, and this is "
            f"version {package.package.version}: raise the version of a changed package."
        )
