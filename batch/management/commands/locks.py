"""``manage.py locks``: lists the held locks with holder, start and waiting callers; releases a stuck one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from batch.locks.inspection import HeldLock, list_held_locks, release_held_lock
from redis_locks.fair_lock import lock_name, parts_of_name
from redis_locks.inspection import LockInfo, list_locks
from redis_locks.job_mutex import KIND as JOB
from tenants.access import system_actor
from tenants.models import Tenant

#: The columns of the table: heading and key of the line.
_COLUMNS: Final = (
    ("TENANT", "tenant"),
    ("COPY OR JOB", "name"),
    ("HELD BY", "who"),
    ("SINCE", "since"),
    ("WHERE", "where"),
    ("WAITING", "waiting"),
    ("RUNS OUT IN (S)", "expires_in"),
)


class Command(BaseCommand):
    """Lists locks, or releases one."""

    help = "List the locks of copies and jobs that are held, across all tenants; free a copy's that is stuck."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command's options."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--release", metavar="COPY_ID", type=UUID, help="Free the lock of this copy.")
        parser.add_argument("--dry-run", action="store_true", help="With --release: show the lock without freeing it.")

    def handle(self, *args: Any, **options: Any) -> None:
        """List the locks, or release one. Raises ``CommandError`` where none is held or Redis is away."""
        if options["dry_run"] and options["release"] is None:
            raise CommandError("--dry-run goes with --release COPY_ID.")
        try:
            if options["release"] is None:
                self._list(as_json=options["json"])
            else:
                self._release(options["release"], dry_run=options["dry_run"], as_json=options["json"])
        except RedisError as error:
            raise CommandError(
                f"Redis does not answer ({type(error).__name__}); no lock is held without it."
            ) from error

    def _list(self, *, as_json: bool) -> None:
        codes = dict(Tenant.objects.values_list("pk", "code"))
        jobs = list_locks(get_redis_connection("default"), lock_name(JOB, "*"))
        lines = [_copy_line(lock, codes) for lock in list_held_locks()]
        lines += [_line("job", "", ":".join(parts_of_name(job.name)[1:]), job) for job in jobs]
        if as_json:
            self.stdout.write(json.dumps({"locks": lines}))
        elif lines:
            self._write_table([[str(line[key]) for _, key in _COLUMNS] for line in lines])
        else:
            self.stdout.write("No lock is held.")

    def _release(self, copy_id: UUID, *, dry_run: bool, as_json: bool) -> None:
        lock = next((found for found in list_held_locks() if found.copy_id == copy_id), None)
        if lock is None:
            raise CommandError(f"Nobody holds the lock of copy {copy_id}.")
        is_released = not dry_run and release_held_lock(lock, actor=system_actor("manage.py locks"))
        line = _copy_line(lock, dict(Tenant.objects.values_list("pk", "code")))
        if as_json:
            self.stdout.write(json.dumps({"released": is_released, "dry_run": dry_run, "lock": line}))
            return
        held = f"the lock of copy {copy_id}, held by {line['who']} ({line['where']}) since {line['since']}"
        if dry_run:
            self.stdout.write(f"Would free {held}.")
        else:
            self.stdout.write(f"Freed {held}." if is_released else f"Was freed meanwhile: {held}.")

    def _write_table(self, rows: list[list[str]]) -> None:
        table = [[heading for heading, _ in _COLUMNS], *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _copy_line(lock: HeldLock, codes: Mapping[UUID, str]) -> dict[str, Any]:
    tenant = codes.get(lock.tenant_id, str(lock.tenant_id))
    return _line("copy", tenant, str(lock.copy_id), lock.info)


def _line(kind: str, tenant: str, name: str, info: LockInfo) -> dict[str, Any]:
    holder = info.holder
    return {
        "kind": kind,
        "tenant": tenant,
        "name": name,
        "who": holder.who if holder else "unknown",
        "since": holder.since.isoformat(timespec="seconds") if holder and holder.since else "unknown",
        "where": holder.where if holder else "unknown",
        "waiting": info.waiting,
        "expires_in": info.expires_in,
    }
