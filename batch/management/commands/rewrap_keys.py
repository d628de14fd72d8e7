"""``manage.py rewrap_keys``: the shell around ``batch.key_rotation``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from batch.key_rotation import Rotated, renew_copy_keys, rewrap_tenant
from copies.management.tenant_command import TenantCommand
from encryption.key_ring import KeyServiceUnavailable
from tenants.models import Tenant


class Command(TenantCommand[Rotated]):
    """Wraps stored keys with the present key, or gives copies new data keys."""

    job: ClassVar = "rewrap_keys"
    in_progress: ClassVar = "Another rotation is in progress"
    help = (
        "Wrap the data keys of all copies with the present key of the key service, and seal webhook secrets under the "
        "newest master key; afterwards older master keys are needed only for responses of the last 24 hours. With "
        "--new-copy-keys, give each copy a new data key instead. Safe during saves; after an interruption it continues."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the kind of rotation."""
        super().add_arguments(parser)
        parser.add_argument(
            "--new-copy-keys", action="store_true", help="Make new data keys; earlier versions keep the earlier ones."
        )

    def run_at(self, tenant: Tenant, options: dict[str, Any]) -> Iterator[Rotated]:
        """Rotate the tenant's keys. Raises ``CommandError`` without the key service."""
        run = renew_copy_keys if options["new_copy_keys"] else rewrap_tenant
        try:
            yield from run(tenant, dry_run=options["dry_run"])
        except KeyServiceUnavailable as error:
            raise CommandError(f"{tenant.code}: {error} What was done stays; run the command again.") from error

    def describe(self, done: Rotated, options: dict[str, Any]) -> str:
        """Return what was rotated."""
        verb = "to change" if options["dry_run"] else "changed"
        return (
            f"{done.looked_at} copies with keys; {verb}: {done.rewrapped} wrapped anew, {done.renewed} with new data"
            f" keys, {done.secrets} webhook endpoints."
        )

    def conclude(self, results: Sequence[Rotated], *, unreachable: int) -> None:
        """Raise ``CommandError`` where keys were left: an older master key is still needed then."""
        left = unreachable + sum(done.left for done in results)
        unreadable = sum(done.unreadable for done in results)
        if left or unreadable:
            raise CommandError(
                f"{left} copies or databases were left and {unreadable} copies have keys that do not open; the log"
                " names them. Keep every older master key, and run the command again."
            )
