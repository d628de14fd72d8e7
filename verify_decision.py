"""Checks an exported decision: python verify_decision.py decision.json [--anchors heads.ndjson]

Recomputes the decision from its document, release and day, and its link in the copy's hash chain. Needs a checkout of
this project with its Python packages, and no server, database or Django. ``manage.py export_decision`` and
``GET /copies/{id}/decision`` write the file; ``manage.py export_history_heads`` writes the anchors.

Exits with 0 if all is as it was decided, 3 if parts could not be recomputed because rules read sealed answers, else 1.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from copies import chain
from copies.chain import Amendment, Heading
from copies.codec import UnreadableDocument, decode_document, store_document
from copies.document import Answer, AnswerValue
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.flow import check_flow
from rules.flow.evaluation import EDITION, Evaluation, Needed, ProductOutcome

FORMAT: Final = 1
RIGHT, WRONG, IN_PART = 0, 1, 3


class ReleaseExport(msgspec.Struct, frozen=True, kw_only=True):
    """A published release: its JSON (base64) and the SHA-256 of that."""

    id: int
    number: int
    checksum: str
    content: str


class DecisionExport(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. ``document`` (base64, with its schema version in front) and ``evaluation`` are as they are stored,
    sealed answers sealed; of the changes there is only the digest. ``amendments`` are those that the version has of
    earlier ones.
    """

    format: int
    heading: Heading
    previous: str
    link: str
    document: str
    evaluation: str
    changes_digest: str
    amendments: tuple[Amendment, ...] = ()
    release: ReleaseExport


class Report(msgspec.Struct):
    """What was found: ``faults``, and ``unchecked`` parts."""

    faults: list[str] = []
    unchecked: list[str] = []

    @property
    def status(self) -> int:
        """Return the exit status."""
        return WRONG if self.faults else IN_PART if self.unchecked else RIGHT


def verify(data: bytes, anchors: dict[tuple[str, int], str] | None = None) -> Report:
    """Return what is wrong with the exported decision in ``data``."""
    report = Report()
    try:
        export = msgspec.json.decode(data, type=DecisionExport)
        document = base64.b64decode(export.document, validate=True)
        release = base64.b64decode(export.release.content, validate=True)
        changes, previous = bytes.fromhex(export.changes_digest), bytes.fromhex(export.previous)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        report.faults.append(f"This is no exported decision: {error}")
        return report
    if export.format != FORMAT:
        report.faults.append(f"The export has format {export.format}; this program reads format {FORMAT}.")
        return report
    evaluation = export.evaluation.encode()
    parts = hashlib.sha256(document).digest(), hashlib.sha256(evaluation).digest()
    digest = chain.joined_digest(*parts, changes)
    if chain.link(previous, export.heading, digest, export.amendments).hex() != export.link:
        report.faults.append("The link of the hash chain is not the one of this decision: something in it was altered.")
    known = (anchors or {}).get((export.heading.copy_id, export.heading.version), export.link)
    if known != export.link:
        report.faults.append("The link is not the one that was noted for this version.")
    if hashlib.sha256(release).hexdigest() != export.release.checksum:
        report.faults.append("The release is not the one of its checksum.")
    if export.release.id != export.heading.release_id:
        report.faults.append("The release is not the one that the version was saved with.")
    _recompute(report, document, evaluation, release=release, release_id=export.release.id)
    return report


def _recompute(report: Report, document: bytes, evaluation: bytes, *, release: bytes, release_id: int) -> None:
    """Compute the decision again and note the differences."""
    try:
        stored = msgspec.json.decode(evaluation, type=Evaluation)
        catalogue = compile_catalogue(msgspec.json.decode(release, type=CatalogueDefinition))
        answers = decode_document(store_document(document))
    except (msgspec.MsgspecError, UnreadableDocument, CatalogueErrors) as error:
        report.faults.append(f"The decision cannot be computed again: {error}")
        return
    if stored.edition != EDITION:
        report.unchecked.append(
            f"Edition {stored.edition} of the program decided; this one has edition {EDITION}. Use the older program."
        )
        return
    if stored.release != release_id:
        report.unchecked.append(f"The copy kept an earlier decision, of release {stored.release}.")
        return
    sealed: list[str] = []

    def reveal(path: str, answer: Answer) -> AnswerValue:
        if answer.sealed is not None:
            sealed.append(path)
        return answer.value

    computed = check_flow.run(catalogue, answers, as_of=stored.as_of, release=release_id, reveal=reveal).evaluation
    if sealed:
        read = ", ".join(sorted(set(sealed)))
        report.unchecked.append(f"Rules read sealed answers, which are not in the export: {read}.")
    report.faults.extend(_differences(_without(stored, sealed), _without(computed, sealed)))


def _without(evaluation: Evaluation, sealed: list[str]) -> Evaluation:
    """Return the evaluation without what only the sealed answers decide directly."""
    if not sealed:
        return evaluation
    paths = frozenset(sealed)
    return msgspec.structs.replace(
        evaluation,
        needed=Needed(_left(evaluation.needed.quote, paths), _left(evaluation.needed.bind, paths)),
        messages=tuple(message for message in evaluation.messages if message.path not in paths),
        eligibility={
            code: msgspec.structs.replace(
                outcome,
                bindable=False,
                missing=_left(outcome.missing, paths),
                missing_for_price=_left(outcome.missing_for_price, paths),
            )
            for code, outcome in evaluation.eligibility.items()
        },
    )


def _left(paths: tuple[str, ...], sealed: frozenset[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if path not in sealed)


def _differences(stored: Evaluation, computed: Evaluation) -> Iterator[str]:
    for code in dict.fromkeys([*stored.eligibility, *computed.eligibility]):
        was, now = stored.eligibility.get(code), computed.eligibility.get(code)
        if was != now:
            yield f"{code}: the export says {_words(was)}, the rules say {_words(now)}."
    for name in ("needed", "messages", "derived", "undecided"):
        if getattr(stored, name) != getattr(computed, name):
            yield f"{name.capitalize()}: the export says something else than the rules."


def _words(outcome: ProductOutcome | None) -> str:
    if outcome is None:
        return "nothing"
    return outcome.outcome if outcome.premium is None else f"{outcome.outcome} at {outcome.premium}"


def read_anchors(text: str) -> dict[tuple[str, int], str]:
    """Return the noted links by copy and version. Raises ``ValueError``, ``KeyError``."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line.strip()]
    return {(line["copy"], line["version"]): line["chain"] for line in lines}


def main() -> int:
    """Check the file that is named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path, help="the exported decision")
    parser.add_argument("--anchors", type=Path, help="lines of export_history_heads")
    options = parser.parse_args()
    anchors = read_anchors(options.anchors.read_text(encoding="utf-8")) if options.anchors else {}
    report = verify(options.export.read_bytes(), anchors)
    for line in (*report.faults, *(f"Not checked: {text}" for text in report.unchecked)):
        sys.stdout.write(line + "\n")
    words = {RIGHT: "The decision is right.", WRONG: "The decision is not right.", IN_PART: "The rest is right."}
    sys.stdout.write(words[report.status] + "\n")
    return report.status


if __name__ == "__main__":
    sys.exit(main())
