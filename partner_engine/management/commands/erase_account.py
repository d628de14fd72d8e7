"""``manage.py erase_account``: the shell around ``partner_engine.account_erasure``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from partner_engine.account_erasure import AccountRefused, erase_account
from tenants.access import system_actor
from tenants.models import User


class Command(BaseCommand):
    """Erases the account of a user who left."""

    help = (
        "Erase the account of a user who left: name, address, password and second factor. What they did stays, by"
        " “Former user”. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the address, twice."""
        parser.add_argument("email", help="The email address of the account.")
        parser.add_argument("--confirm", required=True, metavar="EMAIL", help="The address again.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and print the certificate. Raises ``CommandError``."""
        user = User.objects.with_email(options["email"]).select_related("tenant").first()
        if user is None:
            raise CommandError(f"No user has the email address {options['email']!r}.")
        if options["confirm"].lower() != user.email.lower():
            raise CommandError("--confirm must repeat the address. Nothing was erased.")
        try:
            certificate = erase_account(user, actor=system_actor("erase_account"))
        except AccountRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"Certificate {certificate.pk}:")
        for table, rows in sorted(certificate.counts.items()):
            self.stdout.write(f"  {table}: {rows}")
        if certificate.finished_at is None:
            raise CommandError("Some copies are in use and still contain the name. Repeat the command.")
