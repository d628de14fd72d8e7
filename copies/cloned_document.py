"""The document of a cloned copy: rows with ids of their own, sensitive answers sealed under the clone's own key."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final
from uuid import uuid4

import msgspec

from copies.document import Document, row_lineage, walk_answers, walk_containers
from copies.paths import with_row_ids
from copies.sealed_answers import Sealer

#: The code of a finding: the copy's key was erased, so its sensitive answers can be read by nobody.
UNREADABLE: Final = "unreadable"
#: The code of a finding: the actor may not read the answer, so they cannot hand it over.
NOT_PERMITTED: Final = "not_permitted"


class Finding(msgspec.Struct, frozen=True):
    """An answer that a clone does not have as its source has it: its path in the source, a code, and a sentence."""

    path: str
    code: str
    text: str


#: The ids of a clone's rows by those of their sources, shared by all copies of a form.
RowIds = MutableMapping[str, str]


def clone_document(
    document: Document, ids: RowIds, *, source: Sealer, target: Sealer, keeps_lineage: bool = True
) -> list[Finding]:
    """Change ``document``, which ``source`` opens, into that of a clone, which ``target`` opens.

    Every row gets a new id, the same for equal rows of all documents that share ``ids``, and with ``keeps_lineage`` the
    lineage of its source. Return the sensitive answers that were left out because the source's key was erased.
    Raises ``DecryptionFailed`` or ``KeyServiceUnavailable``; the document may be changed in part then.
    """
    sealed = [(path, answer) for path, answer in walk_answers(document) if answer.sealed is not None]
    _give_row_ids(document, ids, keeps_lineage=keeps_lineage)
    findings = []
    for path, answer in sealed:
        place = with_row_ids(path, ids)
        if source.key is None:
            answer.sealed, answer.mask, answer.confirmed = None, "", ()
            findings.append(Finding(path, UNREADABLE, "The key of this answer was erased."))
        else:
            answer.sealed = target.seal(place, source.reveal(path, answer))
    return findings


def _give_row_ids(document: Document, ids: RowIds, *, keeps_lineage: bool) -> None:
    for _, container in list(walk_containers(document)):
        for rows in container.answer_pools.values():
            for row in rows:
                lineage = row_lineage(row) if keeps_lineage else None
                row.id, row.lineage = ids.setdefault(row.id, str(uuid4())), lineage
