"""Values that may not leave their place, and the searches for them: in the database, in Redis, in texts.

A canary is searched in every possible spelling: with and without separators, in base64, in hex, and in compressed
data.
"""

from __future__ import annotations

import base64
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from typing import Any

import pytest
import zstandard
from django.db import connection
from django_redis import get_redis_connection
from redis import Redis
from redis.connection import Connection

from copies.stored_versions import StoredVersion, read_versions
from tenants.current_tenant import across_tenants
from tests.harness.tiers import PATIENCE

_ZSTD = b"\x28\xb5\x2f\xfd"
#: Columns of a copy that may contain personal answers in plain, never sensitive ones.
ROWS_OF_COPIES = frozenset(
    {
        "batch_idempotencyrecord",
        "copies_copy",
        "copies_copyrevision",
        "search_searchspelling",
        "search_searchword",
        "forms_declination",
    }
)


def _digits(count: int) -> str:
    return "".join(str(secrets.randbelow(10)) for _ in range(count))


def _letters(count: int) -> str:
    return "".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(count))


def _day() -> str:
    return (date(1951, 1, 1) + timedelta(days=secrets.randbelow(14_000))).isoformat()


def _ssn() -> str:
    # No area 000, 666 or 9xx, no group 00, no serial 0000.
    return f"{secrets.randbelow(500) + 100}-{secrets.randbelow(89) + 11}-{secrets.randbelow(8_999) + 1_001}"


@dataclass(frozen=True)
class Canaries:
    """Sensitive (``spi``) and personal (``pii``) values, new in each test, in the shapes of the API."""

    spi: Mapping[str, str]
    pii: Mapping[str, str]

    def answers(self) -> dict[str, Any]:
        """Return the answers at the top of the document."""
        return {
            "mqs_has_fein": False,
            "mqs_fein": self.spi["fein"],
            "mqs_owner_ssn": self.spi["owner_ssn"],
            "mqs_first_name": self.pii["first_name"],
            "mqs_last_name": self.pii["last_name"],
            "mqs_email": self.pii["email"],
            "mqs_phone": self.pii["phone"],
            "mqs_mail_street": self.pii["street"],
        }

    def answer_pools(self) -> dict[str, Any]:
        """Return the rows with the other answers."""
        owner = {"mqs_own_name": self.pii["owner_name"], "mqs_own_title": "president", "mqs_own_pct": 60}
        driver = {"mqs_drv_name": self.pii["driver_name"], "mqs_drv_violations": 1}
        return {
            "owners": [
                {"answers": owner | {"mqs_own_dob": self.spi["owner_dob"], "mqs_own_ssn": self.spi["second_ssn"]}}
            ],
            "drivers": [
                {"answers": driver | {"mqs_drv_dob": self.spi["driver_dob"], "mqs_drv_license": self.spi["license"]}}
            ],
            "prior_losses": [{"answers": {"mqs_loss_desc": self.pii["loss"]}}],
        }


def make_canaries() -> Canaries:
    """Return new canaries."""
    return Canaries(
        spi={
            "fein": f"46-{_digits(7)}",
            "owner_ssn": _ssn(),
            "second_ssn": _ssn(),
            "owner_dob": _day(),
            "driver_dob": _day(),
            "license": f"{_letters(3)}{_digits(6)}{_letters(2)}",
        },
        pii={
            "first_name": f"Zephyr{_letters(8).lower()}",
            "last_name": f"Quokka{_letters(8).lower()}",
            "email": f"{_letters(9).lower()}@canary.example",
            "phone": f"614555{_digits(4)}",
            "street": f"{_digits(4)} {_letters(8).title()} Way",
            "owner_name": f"Owner {_letters(9).title()}",
            "driver_name": f"Driver {_letters(9).title()}",
            "loss": f"A {_letters(10).lower()} fell over.",
        },
    )


@cache
def spellings(value: str) -> frozenset[bytes]:
    """Return the possible spellings of ``value``, in lower case."""
    texts = {value}
    if re.fullmatch(r"[\d-]+", value):
        texts |= {value.replace("-", ""), value.replace("-", " "), value.replace("-", "/")}
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        year, month, day = value.split("-")
        texts |= {f"{month}/{day}/{year}", f"{int(month)}/{int(day)}/{year}"}
    found = {text.encode() for text in texts}
    # In base64 the context decides the first and last characters; the middle is searched at each of the three offsets.
    middles = {base64.b64encode(b"\0" * shift + text)[4:-4] for text in found for shift in range(3) if len(text) > 8}
    forms = found | {text.hex().encode() for text in found} | middles
    return frozenset(form.lower() for form in forms if len(form) > 7)


def find(values: Mapping[str, str], content: bytes | str) -> list[str]:
    """Return the names of the ``values`` that ``content`` contains, also in compressed parts."""
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    texts = [part.lower() for part in _unpacked(raw)]
    return [name for name, value in values.items() if any(form in text for form in spellings(value) for text in texts)]


def _unpacked(raw: bytes) -> Iterator[bytes]:
    yield raw
    for match in re.finditer(re.escape(_ZSTD), raw):
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(raw[match.start() :])
        except zstandard.ZstdError:
            continue


def in_database(values: Mapping[str, str], *, but_in: Iterable[str] = ()) -> set[tuple[str, str]]:
    """Return ``(table.column, name)`` of all canaries in the tables of the database, except some columns."""
    found: set[tuple[str, str]] = set()
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            if table in but_in:
                continue
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table's own name
            columns = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value)
                    found |= {(f"{table}.{column}", name) for name in find(values, raw)}
        if "copies_copyrevision" not in but_in:
            found |= _in_versions(values, cursor)
    return found


def _in_versions(values: Mapping[str, str], cursor: Any) -> set[tuple[str, str]]:
    """Return the canaries in the restored content of versions: most are stored as a difference."""
    cursor.execute(
        "SELECT copy_id, version, document, evaluation, is_whole FROM copies_copyrevision ORDER BY copy_id, version"
    )
    found: set[tuple[str, str]] = set()
    for _, rows in groupby(cursor.fetchall(), key=lambda row: row[0]):
        stored = ((row[1], StoredVersion(bytes(row[2]), bytes(row[3]), row[4])) for row in rows)
        for _, content in read_versions(stored):
            for column, raw in content._asdict().items():
                found |= {(f"copies_copyrevision.{column}", name) for name in find(values, raw)}
    return found


def in_redis(values: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return ``(key, name)`` of all canaries in keys of Redis or their content."""
    client: Redis = get_redis_connection("default")
    found: set[tuple[str, str]] = set()
    for key in client.scan_iter(count=1_000):
        contents = [key, client.dump(key) or b""]
        kind = client.type(key)
        if kind == b"string":
            contents.append(client.get(key) or b"")
        elif kind == b"hash":
            contents += [part for pair in client.hgetall(key).items() for part in pair]
        found |= {(key.decode("utf-8", "replace"), name) for content in contents for name in find(values, content)}
    return found


class RedisCommands:
    """The commands that Redis receives from this process during the block, by its monitor."""

    def __init__(self) -> None:
        self._told: list[tuple[int, str]] = []
        self._ours: set[int] = set()
        self._client: Redis = get_redis_connection("default")
        self._marker = f"end-{secrets.token_hex(8)}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> RedisCommands:
        send, ours = Connection.send_packed_command, self._ours

        def noted(connection: Connection, command: Any, check_health: bool = True) -> None:
            send(connection, command, check_health=check_health)
            ours.add(connection._sock.getsockname()[1])

        # Other test processes use the same server: count only commands from our ports.
        self._patch.setattr(Connection, "send_packed_command", noted)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *error: object) -> None:
        self._client.echo(self._marker)
        self._thread.join(PATIENCE)
        self._patch.undo()
        assert not self._thread.is_alive()

    @property
    def all(self) -> list[str]:
        """Return the commands with their arguments."""
        return [command for port, command in self._told if port in self._ours]

    @property
    def names(self) -> set[str]:
        """Return the commands without their arguments."""
        return {command.split(" ")[0].upper() for command in self.all}

    def _listen(self) -> None:
        with self._client.monitor() as monitor:
            self._ready.set()
            for told in monitor.listen():
                if self._marker in told["command"]:
                    return
                self._told.append((int(told["client_port"] or 0), told["command"]))
