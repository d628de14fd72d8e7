"""``manage.py roll_out CODE start|status|continue|back``: the guarded releases of a catalogue."""

from __future__ import annotations

from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.models import Catalogue, RollOut
from catalogue.reports import describe_faults
from catalogue.roll_outs import OrderRefused, Tolerance, order_back, order_continue
from decisions.roll_out_steps import UnknownTenant, compared_rows, start_guarded
from rules.definition.faults import CatalogueErrors


class Command(BaseCommand):
    """Shows the latest roll-out of a catalogue, or carries out an order of staff."""

    help = "Starts a guarded release, shows how far its roll-out is, lets it continue, or takes it back."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code, the order and its author."""
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("order", choices=["start", "status", "continue", "back"])
        parser.add_argument("--actor", default="command", help="Who orders; stored with the order.")
        parser.add_argument("--notes", default="", help="What is new; stored with the release that starts.")
        parser.add_argument("--first", nargs="*", default=[], metavar="TENANT", help="Codes of tenants to begin with.")
        for name, unit in (("flips", "outcomes, of the open copies"), ("premium", "premium, of the premium before")):
            text = f"The most {unit}, in percent, by which a tenant may leave its forecast (default 1)."
            parser.add_argument(f"--{name}", type=_percent, default=Decimal("1.00"), metavar="PERCENT", help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out the order, and show the roll-out."""
        if options["order"] == "start":
            self._start(options)
        found = RollOut.objects.filter(catalogue__code=options["code"]).select_related("release", "former")
        roll_out = found.order_by("-id").first()
        if roll_out is None:
            raise CommandError(f"The catalogue {options['code']!r} has had no guarded release.")
        try:
            if options["order"] == "continue":
                order_continue(roll_out, actor_id=options["actor"])
            elif options["order"] == "back":
                order_back(roll_out, actor_id=options["actor"])
        except OrderRefused as error:
            raise CommandError(str(error)) from error
        roll_out.refresh_from_db()
        self.stdout.write(f"Release {roll_out.release.number}: {roll_out.get_state_display()}.")
        if not roll_out.is_settled:
            self.stdout.write("Its last change is not settled yet; workers try again, at the latest each hour.")
        for row in compared_rows(roll_out):
            self.stdout.write(
                f"{row.tenant}: {row.state}; {row.copies} copies, outcomes {row.flips_measured or '-'} "
                f"(forecast {row.flips_forecast or '-'}), premium {row.moved_measured or '-'} "
                f"(forecast {row.moved_forecast or '-'}). {row.apart}".strip()
            )
        last = roll_out.orders.exclude(detail="").order_by("-id").first()
        if last is not None:
            self.stdout.write(f"{last.get_kind_display()}: {last.detail}")

    def _start(self, options: dict[str, Any]) -> None:
        catalogue = Catalogue.objects.filter(code=options["code"]).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {options['code']!r}.")
        try:
            start_guarded(
                catalogue,
                actor_id=options["actor"],
                tolerance=Tolerance(flips_percent=options["flips"], premium_percent=options["premium"]),
                first=options["first"],
                notes=options["notes"],
            )
        except UnknownTenant as error:
            raise CommandError(str(error)) from error
        except CatalogueErrors as error:
            raise CommandError(f"Nothing was published.\n{describe_faults(error.faults)}") from error


def _percent(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no number.") from error
    if not (value.is_finite() and 0 <= value <= 100):
        raise ArgumentTypeError("It must be between 0 and 100.")
    return value
