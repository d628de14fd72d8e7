"""Histories of copies in memory, as they are stored, and ways to tamper with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from copies import chain
from copies.chain_check import Finding, check
from copies.codec import content, content_of, document_content, store
from copies.document import Answer, Document
from copies.stored_versions import Content, StoredVersion, read_version, stored_version

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
Row = dict[str, Any]


class History(NamedTuple):
    """The rows of one copy's revisions, the row of the copy, and the noted link of its last version."""

    rows: list[Row]
    copy: Row
    anchors: dict[int, str]

    def findings(self, *, anchored: bool = False) -> list[Finding]:
        """Return what the check finds."""
        rows = sorted(self.rows, key=lambda row: row["version"])
        amends = [row for row in rows if row["amends"]]
        return check(rows, self.copy, amends=amends, anchors=self.anchors if anchored else {})


def make_history(random: Random, *, copy_id: UUID, versions: int) -> History:
    """Return a history of random edits."""
    document, before, link = Document(), None, chain.START
    rows: list[Row] = []
    for version in range(1, versions + 1):
        for _ in range(random.choice([1, 1, 1, 8])):
            code = f"q{random.randrange(40)}"
            document.answers[code] = Answer(value=random.randbytes(random.randrange(1, 20)).hex(), created_at=START)
        now = Content(document_content(document), content({"premium": random.randrange(1000)}))
        row = {
            "tenant_id": UUID(int=1),
            "copy_id": copy_id,
            "version": version,
            "release_id": 1 + version // 5,
            "actor_type": "user",
            "actor_id": str(random.randrange(3)),
            "actor_label": random.choice(["Robin Hale", "Sam Other"]),
            "source": "web",
            "correlation_id": "",
            "created_at": START + timedelta(minutes=version),
            "cause_type": "",
            "cause_id": "",
            "amends": b"",
        }
        link = put(row, now, content([version, random.randrange(1000)]), before=before, link=link)
        rows.append(row)
        before = now
    whole, evaluation = before.stored()
    copy = {"id": copy_id, "version": versions, "chain": link, "document": whole, "evaluation": evaluation}
    return History(rows, copy, {versions: link.hex()})


def put(row: Row, now: Content, changes: bytes, *, before: Content | None, link: bytes) -> bytes:
    """Store the content of a version in its row; return its link."""
    kept = stored_version(row["version"], StoredVersion(*now.stored(), is_whole=True), now, before)
    row |= {"document": kept.document, "evaluation": kept.evaluation, "is_whole": kept.is_whole}
    row["changes"] = store(changes)
    row["chain"] = chain.link(link, chain.heading(row), chain.content_digest(*now, changes))
    return row["chain"]


def contents(history: History) -> list[Content]:
    """Return the content of each version."""
    found: list[Content] = []
    for row in history.rows:
        stored = StoredVersion(row["document"], row["evaluation"], row["is_whole"])
        found.append(read_version(stored, found[-1] if found else None))
    return found


def rewrite(history: History, at: int) -> None:
    """Mask something in one version as the product does: the next version vouches for it by an amendment."""
    found, changed = contents(history), [content_of(row["changes"]) for row in history.rows]
    new = found[at - 1]._replace(evaluation=content({"masked": len(history.rows)}))
    row, last = history.rows[at - 1], history.rows[-1]
    amendment = chain.Amendment(
        at, chain.content_digest(*found[at - 1], changed[at - 1]), chain.content_digest(*new, changed[at - 1])
    )
    row |= stored_version(at, _whole(new), new, found[at - 2] if at > 1 else None)._asdict()
    if at < len(history.rows) and not history.rows[at]["is_whole"]:
        history.rows[at] |= stored_version(at + 1, _whole(found[at]), found[at], new)._asdict()
    now = new if at == len(history.rows) else found[-1]
    added = dict(last, version=last["version"] + 1, amends=store(content([amendment])), changes=store(content([])))
    added |= _whole(now)._asdict()
    digest = chain.content_digest(*now, content([]))
    added["chain"] = chain.link(last["chain"], chain.heading(added), digest, [amendment])
    history.rows.append(added)
    whole, evaluation = now.stored()
    history.copy.update(version=added["version"], chain=added["chain"], document=whole, evaluation=evaluation)


def _whole(now: Content) -> StoredVersion:
    return StoredVersion(*now.stored(), is_whole=True)


# Each tampers with version ``at`` and returns the versions of which one must be named.


def edit_document(history: History, at: int, random: Random) -> set[int]:
    """Put another answer into one version, which is stored whole afterwards."""
    row, now = history.rows[at - 1], contents(history)[at - 1]
    document = msgspec.json.decode(now.document[1:], type=Document)
    document.answers["q0"] = Answer(value="forged")
    forged = Content(document_content(document), now.evaluation)
    if random.random() < 0.5 and not row["is_whole"]:
        kept = stored_version(at, StoredVersion(*forged.stored(), is_whole=True), forged, contents(history)[at - 2])
        row |= kept._asdict()
    else:
        row["document"], row["evaluation"] = forged.stored()
        row["is_whole"] = True
    return {at}


def edit_changes(history: History, at: int, random: Random) -> set[int]:
    """Put other changes into one version."""
    history.rows[at - 1]["changes"] = store(content(["forged"]))
    return {at}


def edit_author(history: History, at: int, random: Random) -> set[int]:
    """Name another author."""
    name = random.choice(["actor_id", "actor_label", "actor_type", "source", "cause_type"])
    history.rows[at - 1][name] = "forged"
    return {at}


def edit_time(history: History, at: int, random: Random) -> set[int]:
    """Move one version by some time."""
    history.rows[at - 1]["created_at"] += timedelta(microseconds=random.choice([-1, 1, 60_000_000, -600_000_000]))
    return {at}


def edit_release(history: History, at: int, random: Random) -> set[int]:
    """Name another release."""
    history.rows[at - 1]["release_id"] = random.choice([99, None])
    return {at}


def delete_row(history: History, at: int, random: Random) -> set[int]:
    """Remove one version."""
    del history.rows[at - 1]
    return {at}


def swap_rows(history: History, at: int, random: Random) -> set[int]:
    """Exchange two versions."""
    other = random.choice([version for version in range(1, len(history.rows) + 1) if version != at])
    first, second = history.rows[at - 1], history.rows[other - 1]
    first["version"], second["version"] = other, at
    return {at, other}


def insert_row(history: History, at: int, random: Random) -> set[int]:
    """Add a version: in between, where all later ones move by one, or after the last one."""
    if random.random() < 0.3:
        last = dict(history.rows[-1], version=len(history.rows) + 1)
        history.rows.append(last)
        return {last["version"]}
    for row in history.rows[at - 1 :]:
        row["version"] += 1
    history.rows.insert(at - 1, dict(history.rows[at - 1], version=at))
    return {at + 1}


def cut_tail(history: History, at: int, random: Random) -> set[int]:
    """Remove the last versions, and take the copy back to what is left if there is a version left."""
    del history.rows[max(at - 1, 1) :]
    whole, evaluation = contents(history)[-1].stored()
    last = history.rows[-1]
    history.copy.update(version=last["version"], chain=last["chain"], document=whole, evaluation=evaluation)
    return {last["version"] + 1}


def link_anew(history: History, at: int, random: Random) -> set[int]:
    """Alter one version and make its link anew; or all later links and the copy's, as only the anchor can tell."""
    whole_rest = random.random() < 0.5
    found, changed = contents(history), [content_of(row["changes"]) for row in history.rows]
    history.rows[at - 1]["actor_label"] = "forged"
    for place in range(at - 1, len(history.rows) if whole_rest else at):
        link = history.rows[place - 1]["chain"] if place else chain.START
        before = found[place - 1] if place else None
        link = put(history.rows[place], found[place], changed[place], before=before, link=link)
        history.copy["chain"] = link if place == len(history.rows) - 1 else history.copy["chain"]
    return {len(history.rows)} if whole_rest else {at + 1, len(history.rows)}


#: The ways that need one history, by their names. ``cut_tail`` and ``link_anew`` are found with the anchor.
TAMPERINGS: dict[str, Callable[[History, int, Random], set[int]]] = {
    tampering.__name__: tampering
    for tampering in (
        edit_document, edit_changes, edit_author, edit_time, edit_release, delete_row, swap_rows, insert_row, cut_tail,
        link_anew,
    )
}  # fmt: skip
