"""The invariants after any fault: read from the database by the tests' own SQL, independent of the product's.

``violations`` returns a sentence for each broken promise: none for the product, at least one for a sabotaged
writer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import psycopg

from copies.changes import Change
from copies.codec import decode, decode_document
from copies.document import Document
from copies.paths import Path
from copies.stored_versions import StoredVersion, read_versions
from rules.flow.evaluation import Evaluation
from tests.harness.faults.trials import Report


class Saved(NamedTuple):
    """One revision as stored in the database."""

    document: Document
    evaluation: Evaluation

    @property
    def label(self) -> object:
        """Return the label that the save stored as the form's name."""
        return self.document.answers["kennel_name"].value


class Stored(NamedTuple):
    """All rows that saves write, by copy and version."""

    versions: dict[str, int]
    current: dict[str, tuple[bytes, bytes]]
    revisions: dict[str, dict[int, Saved]]
    raw: dict[tuple[str, int], tuple[bytes, bytes]]
    outbox: dict[tuple[str, int], list[str]]
    declinations: set[tuple[str, int]]
    queued: set[tuple[str, int]]
    keys: dict[str, int]
    indexed: set[str]


def read(connection: psycopg.Connection[Any]) -> Stored:
    """Read everything; the connection sees the rows of all tenants."""
    copies = connection.execute("SELECT id::text, version, document, evaluation FROM copies_copy").fetchall()
    versions = connection.execute(
        "SELECT copy_id::text, version, document, evaluation, is_whole FROM copies_copyrevision"
        " ORDER BY copy_id, version"
    ).fetchall()
    raw = {}
    for copy, rows in groupby(versions, key=lambda row: row[0]):
        for version, content in read_versions((row[1], StoredVersion(*row[2:])) for row in rows):
            raw[copy, version] = content.stored()
    revisions: dict[str, dict[int, Saved]] = defaultdict(dict)
    for (copy, version), (document, evaluation) in sorted(raw.items()):
        revisions[copy][version] = Saved(decode_document(document), decode(evaluation, Evaluation))
    outbox: dict[tuple[str, int], list[str]] = defaultdict(list)
    rows = "SELECT copy_id::text, version, kind FROM actions_outboxaction ORDER BY kind"
    for copy, version, kind in connection.execute(rows):
        outbox[copy, version].append(kind)
    declined = connection.execute("SELECT copy_id::text, version FROM forms_declination").fetchall()
    changed = connection.execute("SELECT copy_id::text, version, changes FROM copies_copyrevision").fetchall()
    answers = connection.execute("SELECT key, convert_from(body, 'UTF8')::json FROM batch_idempotencyrecord").fetchall()
    indexed = connection.execute("SELECT copy_id::text FROM copies_copyindex").fetchall()
    return Stored(
        versions={row[0]: row[1] for row in copies},
        current={row[0]: (row[2], row[3]) for row in copies},
        revisions=revisions,
        raw=raw,
        outbox=outbox,
        declinations={(row[0], row[1]) for row in declined},
        queued={(copy, version) for copy, version, changes in changed if _queues_quote(decode(changes, list[Change]))},
        # A response of the API contains the version in an object, one of the batch's trials is the version.
        keys={key: answer["version"] if isinstance(answer, dict) else answer for key, answer in answers},
        indexed={row[0] for row in indexed},
    )


def violations(
    connection: psycopg.Connection[Any], acknowledged: Iterable[Report] = (), *, is_keyed: bool = True
) -> list[str]:
    """Return the broken promises. ``acknowledged`` are reports with form, label, version and (except for a repeated
    response) kinds; with ``is_keyed`` every save after a form's first had its label as key.
    """
    stored = read(connection)
    told = [report for report in acknowledged if "version" in report]
    return [
        *_of_copies(stored),
        *_of_outbox(stored, told),
        *_of_declinations(stored),
        *_of_acknowledged(stored, told),
        *(_of_keys(stored) if is_keyed else ()),
    ]


def _of_copies(stored: Stored) -> Iterator[str]:
    for copy, version in stored.versions.items():
        if sorted(stored.revisions[copy]) != list(range(1, version + 1)):
            yield f"{copy} is at {version} and has the revisions {sorted(stored.revisions[copy])[-5:]}"
        if stored.raw.get((copy, version)) != stored.current[copy]:
            yield f"{copy} is not what its revision {version} says"
        if copy not in stored.indexed:
            yield f"{copy} is not in the index of copies"
        labels = Counter(saved.label for saved in stored.revisions[copy].values())
        yield from (f"{copy} was saved {times} times as {label}" for label, times in labels.items() if times > 1)
    yield from (f"{copy} has revisions and no row" for copy in stored.revisions if copy not in stored.versions)


def _of_outbox(stored: Stored, told: list[Report]) -> Iterator[str]:
    announced = {(report["form"], report["version"]): report["kinds"] for report in told if "kinds" in report}
    usual = {tuple(kinds) for kinds in announced.values()}
    for at in sorted(stored.outbox.keys() - stored.raw.keys()):
        yield f"the outbox has rows of {at}, which was never saved"
    for at in sorted(stored.raw.keys()):
        rows = stored.outbox.get(at, [])
        if at in announced and rows != announced[at]:
            yield f"{at} announced {announced[at]} and has {rows} in the outbox"
        elif at[1] > 1 and usual and tuple(rows) not in usual:
            yield f"{at} has {rows} in the outbox, unlike any acknowledged save"
        elif not rows:
            yield f"{at} has nothing in the outbox"


def _of_declinations(stored: Stored) -> Iterator[str]:
    acted = {(copy, version) for copy, version in stored.queued if _is_surplus_open(stored.revisions[copy][version])}
    yield from (f"{at} queued a surplus quote without a declination" for at in sorted(acted - stored.declinations))
    yield from (f"{at} has a declination and queued nothing" for at in sorted(stored.declinations - acted))


def _queues_quote(changes: Iterable[Change]) -> bool:
    return any(Path(change.path).kind == "quote_requests" and change.after == "queued" for change in changes)


def _is_surplus_open(saved: Saved) -> bool:
    outcome = saved.evaluation.eligibility.get("WO-CARE")
    return outcome is not None and outcome.outcome != "locked"


def _of_acknowledged(stored: Stored, told: list[Report]) -> Iterator[str]:
    for report in told:
        saved = stored.revisions.get(report["form"], {}).get(report["version"])
        if saved is None:
            yield f"acknowledged and lost: {report}"
        elif saved.label != report["label"]:
            yield f"acknowledged and written over by {saved.label}: {report}"


def _of_keys(stored: Stored) -> Iterator[str]:
    made: Mapping[object, int] = {
        saved.label: version
        for revisions in stored.revisions.values()
        for version, saved in revisions.items()
        if version > 1
    }
    for label, version in made.items():
        if stored.keys.get(str(label)) != version:
            yield f"the save {label} made version {version}, its stored answer says {stored.keys.get(str(label))}"
    labels = {saved.label for revisions in stored.revisions.values() for saved in revisions.values()}
    yield from (f"the answer to {key} is stored and its save is not" for key in stored.keys if key not in labels)
