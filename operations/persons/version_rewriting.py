"""Erases a person's answers from a copy that stays: from its document, and from every earlier version in place.

The copy gets a next version that asks for the answers anew; it names each rewritten version with the digests before and
after, so the chain of the history stays provable. A bound or locked copy keeps its decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction

from batch import service
from batch.context import BatchContext
from batch.errors import StaleChangeset
from batch.storage.relabeled_versions import relabel_versions
from batch.storage.rewritten_versions import EarlierVersion, rewrite_versions
from batch.storage.sealed_rows import ListedColumns, SealedContent, write_next_version
from batch.storage.summary import search_texts, summarise
from catalogue.release_history import renames_between
from copies.changes import Cause, Change
from copies.codec import content, decode_document, document_content, encode, encode_document, store_document
from copies.stored_versions import Content
from operations.persons.erased_content import erase_from_changes, erase_from_document, erase_from_evaluation
from operations.persons.needles import Needles
from operations.persons.places import Places
from rules.flow.evaluation import Evaluation
from rules.flow.followed_renames import follow_renames
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

_WAIT_SECONDS: Final = 10.0
_NO_CAUSE: Final = Cause("system", "")


@dataclass(kw_only=True, slots=True)
class Rewritten:
    """What was erased from a copy: ``answers`` of its present version, and its earlier ``versions`` that had some."""

    answers: int = 0
    versions: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is erased: the values and places of the person in one form."""

    needles: Needles
    places: Places


def erase_from_copy(copy_id: UUID, subject: Subject, *, tenant: Tenant, actor: Actor) -> Rewritten:
    """Erase ``subject`` from all versions of the copy, in one transaction; a second call finds nothing.

    Raises ``BatchError`` for a copy in use.
    """
    with service.find_and_lock(copy_id, scope=tenant, actor=actor, archived=True, wait=_WAIT_SECONDS) as context:
        return _erase(context, subject)


def rename_author(copy_id: UUID, author: tuple[str, str], name: str, *, tenant: Tenant, actor: Actor) -> int:
    """Give the versions that ``author`` (type and id) saved another ``name``; return their number.

    The copy gets a next version with the same content, which names them. Raises ``BatchError`` for a copy in use.
    """
    with service.find_and_lock(copy_id, scope=tenant, actor=actor, archived=True, wait=_WAIT_SECONDS) as context:
        alias = tenant.database_alias
        with use_tenant(tenant), transaction.atomic(using=alias):
            headings = relabel_versions(
                context.copy.id,
                lambda kind, identity, label: name if (kind, identity) == author else label,
                alias=alias,
            )
            if not headings:
                return 0
            same = SealedContent(
                document=context.copy.document,
                evaluation=context.copy.evaluation,
                changes=encode([]),
                amendments=headings,
            )
            key, saving = context.sealer.key, context.save_context
            if not write_next_version(context.copy, same, key=key, context=saving, alias=alias):
                raise StaleChangeset
    return len(headings)


def _erase(context: BatchContext, subject: Subject) -> Rewritten:
    actor, alias = context.save_context.actor, context.scope.database_alias
    document = decode_document(context.copy.document)
    before = document_content(document)
    at = context.save_context.now
    changes = erase_from_document(
        document, subject.places, subject.needles, cause=Cause(actor.type, actor.id), at=at
    )  # fmt: skip
    with use_tenant(context.scope), transaction.atomic(using=alias):
        headings = relabel_versions(
            context.copy.id, lambda kind, identity, label: _label(kind, label, subject.needles), alias=alias
        )
        rewritten = rewrite_versions(context.copy.id, lambda version: _rewritten(version, subject, at), alias=alias)
        if not headings and not rewritten and document_content(document) == before:
            return Rewritten()
        evaluation = erase_from_evaluation(context.evaluation, subject.places, subject.needles)
        sealed = SealedContent(
            document=encode_document(document),
            evaluation=encode(evaluation),
            changes=encode(changes),
            amendments=[*headings, *rewritten],
        )
        written = write_next_version(
            context.copy,
            sealed,
            key=context.sealer.key,
            columns=_columns(context, encode_document(document), evaluation),
            context=context.save_context,
            alias=alias,
            decide=True,
        )
        if not written:
            raise StaleChangeset
    return Rewritten(answers=len(changes), versions=len({amendment.version for amendment in rewritten}))


def _columns(context: BatchContext, stored: bytes, evaluation: Evaluation) -> ListedColumns:
    """Return what lists and search show of the document, by the codes of today."""
    catalogue, document = context.release.compiled, decode_document(stored)
    if context.copy.release_id is not None:
        follow_renames(document, renames_between(context.copy.release_id, context.release.id))
    text, personal = search_texts(catalogue, document)
    return ListedColumns(summary=summarise(catalogue, document, evaluation), text=text, personal=personal)


def _label(kind: str, label: str, needles: Needles) -> str:
    """Return the name of an author without the person's; a guest is often the person."""
    return needles.in_text(label) if kind == "guest" else label


def _rewritten(version: EarlierVersion, subject: Subject, at: datetime) -> EarlierVersion | None:
    """Return the version without the person, None if it says nothing of them."""
    document = decode_document(store_document(version.content.document))
    evaluation = msgspec.json.decode(version.content.evaluation, type=Evaluation)
    changes = msgspec.json.decode(version.changes, type=list[Change])
    before = (document_content(document), content(evaluation), content(changes))
    erase_from_document(document, subject.places, subject.needles, cause=_NO_CAUSE, at=at)
    after = (
        document_content(document),
        content(erase_from_evaluation(evaluation, subject.places, subject.needles)),
        content(erase_from_changes(changes, subject.places, subject.needles)),
    )
    if after == before:
        return None
    return version._replace(content=Content(after[0], after[1]), changes=after[2])
