"""``manage.py carrier_package export|sign|check|import``: carriers as signed files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from msgspec.structs import replace

from catalogue.drafts import read_draft
from catalogue.models import Catalogue
from catalogue.packages.contents import CarrierPackage, PackageHead, package_of
from catalogue.packages.files import PackageFile, read_package_file
from catalogue.packages.importing import PURPOSE, PackageRefused, import_package, publisher_of
from catalogue.packages.writing import signed_text, write_package
from catalogue.reports import describe_faults, describe_warnings
from encryption.signatures import canonical, sign
from rules.definition.faults import CatalogueErrors

_LOCAL_ACTOR = "command line"


class Command(BaseCommand):
    """Writes, signs, checks and imports carrier packages. A package with faults changes nothing."""

    help = "Export a carrier as a signed package, sign or check package files, or import one into a catalogue's draft."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four tasks with their arguments."""
        tasks = parser.add_subparsers(dest="task", required=True)
        export = tasks.add_parser("export", help="Write a carrier of a catalogue's draft as a signed package.")
        export.add_argument("catalogue", help="The catalogue's code.")
        export.add_argument("carrier", help="The carrier's code.")
        export.add_argument("--package-version", type=int, required=True, help="The version of the package.")
        export.add_argument("--like", type=Path, help="An earlier package: its golden cases and simulator are taken.")
        export.add_argument("--output", type=Path, help="The file to write; without it, the standard output.")
        signing = tasks.add_parser("sign", help="Sign package files with this installation's key, in place.")
        signing.add_argument("files", type=Path, nargs="+")
        check = tasks.add_parser("check", help="Check the signatures and shapes of package files.")
        check.add_argument("files", type=Path, nargs="+")
        importing = tasks.add_parser("import", help="Put a package into the draft of a catalogue.")
        importing.add_argument("file", type=Path)
        importing.add_argument("--catalogue", help="The catalogue's code; by default that of the package.")
        importing.add_argument("--dry-run", action="store_true", help="Only check the package.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the task."""
        try:
            getattr(self, f"_{options['task']}")(options)
        except PackageRefused as error:
            raise CommandError(f"{error} Nothing was changed.") from error

    def _export(self, options: dict[str, Any]) -> None:
        catalogue = Catalogue.objects.filter(code=options["catalogue"]).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {options['catalogue']!r}.")
        head = PackageHead(carrier=options["carrier"], version=options["package_version"], catalogue=catalogue.code)
        try:
            package = package_of(read_draft(catalogue), head)
        except KeyError as error:
            raise CommandError(f"{catalogue.code} has no carrier {options['carrier']!r}.") from error
        if options["like"]:
            earlier = _read(options["like"]).package
            package = replace(package, golden=earlier.golden, simulator=earlier.simulator, surplus=earlier.surplus)
        text = write_package(package, _signature(package))
        if options["output"]:
            options["output"].write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text, ending="")

    def _sign(self, options: dict[str, Any]) -> None:
        for file in options["files"]:
            package = _read(file).package
            file.write_text(signed_text(file.read_text(encoding="utf-8-sig"), _signature(package)), encoding="utf-8")
            self.stdout.write(f"{file}: {package.carrier.name}, version {package.package.version}, signed.")

    def _check(self, options: dict[str, Any]) -> None:
        for file in options["files"]:
            read = _read(file)
            name, _ = publisher_of(read)
            head = read.package.package
            self.stdout.write(f"{file}: {read.package.carrier.name}, version {head.version}, signed by {name}.")

    def _import(self, options: dict[str, Any]) -> None:
        read, file = _read(options["file"]), options["file"]
        code = options["catalogue"] or read.package.package.catalogue
        try:
            imported = import_package(read, catalogue_code=code, actor_id=_LOCAL_ACTOR, dry_run=options["dry_run"])
        except CatalogueErrors as error:
            faults = describe_faults(error.faults, file=str(file))
            raise CommandError(f"{code} would have faults; nothing was changed.\n{faults}") from error
        verb = "can be imported" if options["dry_run"] else "imported"
        package = read.package
        self.stdout.write(
            f"{package.carrier.name}, version {package.package.version} of {imported.publisher}, {verb} into {code}: "
            f"{len(package.products)} products, {len(package.golden)} golden cases as expected."
        )
        if imported.warnings:
            self.stderr.write(describe_warnings(imported.warnings, file=str(file)))
        if not options["dry_run"]:
            self.stdout.write(f"It is a draft until it is published: manage.py publish_catalogue {code}")


def _read(file: Path) -> PackageFile:
    try:
        return read_package_file(file)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}. Name a carrier package.") from error
    except CatalogueErrors as error:
        raise CommandError(f"{file} has faults.\n{describe_faults(error.faults, file=str(file))}") from error


def _signature(package: CarrierPackage) -> dict[str, str]:
    signature = sign(canonical(package), purpose=PURPOSE)
    return {"key": signature.key, "value": signature.value}
