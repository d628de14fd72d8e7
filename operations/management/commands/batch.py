"""``manage.py batch``: submit, watch and control batch operations from the command line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from batch.errors import BatchError
from operations.engine.status import OperationStatus, status_of
from operations.errors import OperationError
from operations.models import BatchOperation
from operations.submission import control
from operations.submission.order import ItemQuery, NewOperation, Options, Submitted
from operations.submission.selectors import access_operation
from operations.submission.start import start
from operations.submission.submit import submit
from operations.submission.undo import undo
from operations.wakeup import wake_workers
from tenants.access import Actor, MissingRight, system_actor
from tenants.current_tenant import use_tenant
from tenants.limits.errors import RateLimited
from tenants.models import Tenant, User

#: The seconds between two looks at an operation, and the width of the bar in characters.
_LOOK: Final = 0.5
_WIDTH: Final = 30
#: A bar for people shows at most so many rejections.
_MOST_SHOWN: Final = 20


class Command(BaseCommand):
    """Submits, watches and controls batch operations."""

    help = "Submit, watch and control operations over many application forms."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each order."""
        orders = parser.add_subparsers(dest="order", required=True, metavar="ORDER")
        _add_submit(orders)
        for name, text in {
            "status": "Print the state and the counts of an operation once.",
            "watch": "Show the progress of an operation until it has ended or is paused.",
            "cancel": "Cancel the items that have not begun; what was done stays.",
            "pause": "Let the items wait that have not begun.",
            "resume": "Let a paused operation go on.",
        }.items():
            _add_order(orders, name, text)
        retry = _add_order(orders, "retry", "Queue failed items again in the same operation.")
        retry.add_argument("--numbers", type=_numbers, help="Only these items, such as 3,17,20; by default all failed.")
        retry.add_argument("--force", action="store_true", help="Include items whose reason does not change by itself.")
        taken_back = _add_order(orders, "undo", "Take back what an operation set and nobody has changed since.")
        taken_back.add_argument("--dry-run", action="store_true", help="Change nothing; make a plan.")
        taken_back.add_argument("--watch", action="store_true", help="Show the progress until it has ended.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out the order. Raises ``CommandError`` with the reason if it is refused."""
        tenant = Tenant.objects.filter(code=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
        self._tenant, self._actor = tenant, _actor(options["as_user"], tenant)
        self._is_json = options["json"]
        order: Callable[[dict[str, Any]], None] = getattr(self, f"_{options['order']}")
        try:
            with use_tenant(tenant):
                order(options)
        except (OperationError, BatchError, MissingRight, RateLimited) as refused:
            raise CommandError(_sentences(refused)) from refused

    def _submit(self, options: dict[str, Any]) -> None:
        result = submit(_order_of(options), tenant=self._tenant, actor=self._actor)
        self._begin(result, is_watched=options["watch"])

    def _undo(self, options: dict[str, Any]) -> None:
        result = undo(options["id"], tenant=self._tenant, actor=self._actor, is_dry_run=options["dry_run"])
        self._begin(result, is_watched=options["watch"])

    def _status(self, options: dict[str, Any]) -> None:
        self._show(options["id"])

    def _watch(self, options: dict[str, Any]) -> None:
        self._follow(options["id"])

    def _cancel(self, options: dict[str, Any]) -> None:
        control.cancel(options["id"], tenant=self._tenant, actor=self._actor)
        self._show(options["id"])

    def _pause(self, options: dict[str, Any]) -> None:
        control.pause(options["id"], tenant=self._tenant, actor=self._actor)
        self._show(options["id"])

    def _resume(self, options: dict[str, Any]) -> None:
        control.resume(options["id"], tenant=self._tenant, actor=self._actor)
        self._show(options["id"])

    def _retry(self, options: dict[str, Any]) -> None:
        amount = control.retry(
            options["id"],
            tenant=self._tenant,
            actor=self._actor,
            numbers=options["numbers"],
            force=options["force"],
        )
        wake_workers(self._tenant.database_alias)
        self._print(
            {"id": str(options["id"]), "retried": amount},
            f"{amount:,} {'item is' if amount == 1 else 'items are'} queued again.",
        )

    def _begin(self, result: Submitted, *, is_watched: bool) -> None:
        operation = result.operation
        start(operation, tenant=self._tenant)
        shown = {
            "id": str(operation.id),
            "total": operation.total + operation.rejected,
            "accepted": operation.total,
            "rejected": operation.rejected,
            "estimated_seconds": operation.estimated_seconds,
            "rejections": msgspec.to_builtins(result.rejections),
        }
        noun = "item" if operation.total == 1 else "items"
        text = f"{operation.id}: {operation.total:,} {noun} accepted, {operation.rejected:,} rejected."
        lines = [f"  item {one.index}: {one.code}: {one.detail}" for one in result.rejections[:_MOST_SHOWN]]
        self._print(shown, "\n".join([text, *lines]))
        if is_watched:
            self._follow(operation.id)

    def _follow(self, operation_id: UUID) -> None:
        """Show the progress until the operation has ended or is paused."""
        while True:
            operation = access_operation(operation_id)
            status = status_of(operation)
            is_done = operation.finished_at is not None or operation.paused_at is not None
            if not self._is_json:
                self.stdout.write(f"\r{_bar(status)}", ending="\n" if is_done else "")
                self.stdout.flush()
            if is_done:
                return self._print(_facts(operation, status), self._message(operation, status))
            time.sleep(_LOOK)

    def _show(self, operation_id: UUID) -> None:
        operation = access_operation(operation_id)
        status = status_of(operation)
        self._print(_facts(operation, status), f"{status.stage}: {_bar(status)}\n{self._message(operation, status)}")

    def _message(self, operation: BatchOperation, status: OperationStatus) -> str:
        """Return the message of the status, and of a plan how it is carried out."""
        if not operation.plan_hash:
            return status.message
        plan = f"--plan {operation.id} --plan-hash {operation.plan_hash}"
        return f"{status.message} Nothing was changed. Carry it out with:\n  submit {self._tenant.code} {plan}"

    def _print(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(msgspec.json.encode(facts).decode() if self._is_json else text)


def _add_submit(orders: Any) -> None:
    parser = orders.add_parser("submit", help="Submit an operation.", description="Submit an operation.")
    parser.add_argument("tenant", help="Code of the tenant.")
    parser.add_argument("kind", nargs="?", default="", help="The kind, such as set_answers; none with --plan.")
    parser.add_argument("--items", help="File with the items as a JSON list or one JSON object per line; - for input.")
    parser.add_argument("--arguments", default="{}", help="JSON of what holds for every item, or @ and a file with it.")
    parser.add_argument("--query", help='JSON of a query instead of items, such as {"state": "quotable"}.')
    parser.add_argument("--title", default="", help="A title for the lists.")
    parser.add_argument("--dry-run", action="store_true", help="Change no form; make a plan.")
    parser.add_argument("--force", action="store_true", help="Do work that would change nothing too.")
    parser.add_argument("--priority", type=int, default=0, help="-10 to 10; higher ones of the tenant run first.")
    parser.add_argument("--stop-after", type=int, metavar="PERCENT", help="Cancel the rest after so many failures.")
    parser.add_argument("--depends-on", type=UUID, metavar="ID", help="Begin when this operation has ended.")
    parser.add_argument("--plan", type=UUID, metavar="ID", help="Carry out the plan of this dry run; needs its hash.")
    parser.add_argument("--plan-hash", default="", help="The hash that the plan must have.")
    parser.add_argument("--watch", action="store_true", help="Show the progress until it has ended.")
    _add_common(parser)


def _add_order(orders: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = orders.add_parser(name, help=text, description=text)
    parser.add_argument("tenant", help="Code of the tenant.")
    parser.add_argument("id", type=UUID, help="Id of the operation.")
    _add_common(parser)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="as_user", default="", metavar="EMAIL", help="Act as this user of the tenant.")
    parser.add_argument("--json", action="store_true", help="Print JSON instead of text.")


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are no numbers of items, such as 3,17,20") from None


def _actor(email: str, tenant: Tenant) -> Actor:
    """Return the user with this address, else the product itself. Raises ``CommandError``."""
    if not email:
        return system_actor("batch command")
    user = User.objects.with_email(email).filter(tenant=tenant, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {email!r} at {tenant.code}.")
    return user.as_actor(source="job")


def _order_of(options: dict[str, Any]) -> NewOperation:
    """Return the order of the command line. Raises ``CommandError``."""
    query = options["query"]
    try:
        read = {
            "dry_run": options["dry_run"],
            "force": options["force"],
            "priority": options["priority"],
            "stop_after_failures_percent": options["stop_after"],
        }
        return NewOperation(
            kind=options["kind"],
            items=_items(options["items"]) if options["items"] else None,
            query=msgspec.json.decode(query, type=ItemQuery) if query else None,
            arguments=msgspec.json.decode(_text(options["arguments"]), type=dict[str, Any]),
            options=msgspec.convert(read, Options),
            title=options["title"],
            depends_on=options["depends_on"],
            plan=options["plan"],
            plan_hash=options["plan_hash"],
        )
    except (msgspec.DecodeError, OSError, UnicodeError) as error:
        raise CommandError(f"The order cannot be read: {error}.") from error


def _items(name: str) -> list[Any]:
    content = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    if content.lstrip().startswith("["):
        return msgspec.json.decode(content, type=list[Any])
    return [msgspec.json.decode(line) for line in content.splitlines() if line.strip()]


def _text(value: str) -> str:
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value


def _bar(status: OperationStatus) -> str:
    full = int(_WIDTH * status.progress_percent / 100)
    left = "" if status.seconds_left is None else f", about {status.seconds_left:.0f} s left"
    return (
        f"[{'#' * full}{'.' * (_WIDTH - full)}] {status.progress_percent:5.1f}% of {status.total}: "
        f"{status.completed} completed, {status.failed} failed{left}"
    )


def _facts(operation: BatchOperation, status: OperationStatus) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(status)
    return {**facts, "kind": operation.kind, "is_dry_run": operation.is_dry_run, "plan_hash": operation.plan_hash}


def _sentences(refused: Exception) -> str:
    """Return the reason, and the first faults with their places."""
    faults = getattr(refused, "faults", ())[:_MOST_SHOWN]
    return "\n".join([str(refused), *(f"  {fault.pointer or fault.path}: {fault.detail}" for fault in faults)])
