"""An exported decision of a copy, with its release, for readers of personal answers."""

from __future__ import annotations

import base64
from typing import NamedTuple

import msgspec

from batch.changes.open_values import open_values, secrets_of
from batch.context import BatchContext
from batch.errors import CannotBeExported, UnknownVersion
from catalogue import releases
from catalogue.models import Release
from catalogue.release_history import renames_between
from copies.chain import Amendment, Heading
from copies.decision_export import RewrittenVersion, read_decision
from copies.document import walk_answers
from presentation.visibility import NOBODY, PERSONAL, Visibility
from tenants.access import Right
from tenants.current_tenant import use_tenant


class ReleaseExport(msgspec.Struct, frozen=True, kw_only=True):
    """A published release: its JSON (base64) without shadow rules, which have no effect, and the SHA-256 of that."""

    id: int
    number: int
    checksum: str
    content: str


class DecisionExport(msgspec.Struct, frozen=True, kw_only=True):
    """The decision of one version. ``document`` is base64; ``previous`` and ``link`` are the links of the hash chain
    before and of the version.
    """

    format: int
    heading: Heading
    previous: str
    link: str
    document: str
    evaluation: str
    changes_digest: str
    amendments: list[Amendment]
    release: ReleaseExport


class Exported(NamedTuple):
    """An exported decision, with the number of personal answers in it."""

    decision: DecisionExport
    personal: int


def export_decision(context: BatchContext) -> Exported:
    """Return the decision of the version in ``context``.

    Raises ``MissingRight`` without the rights to read personal answers and the catalogue, ``CannotBeExported``.
    """
    for right in (Right.READ_PERSONAL, Right.READ_CATALOGUE):
        context.save_context.actor.require(right)
    document, saved_under = context.read_only_changeset().document, context.copy.release_id
    today = releases.current(context.form.catalogue, tenant_id=context.scope.id)
    renames = () if saved_under in (None, today.id) else renames_between(saved_under, today.id)
    if next(open_values(secrets_of(today.compiled, renames), document), None) is not None:
        raise CannotBeExported
    try:
        with use_tenant(context.scope):
            decision = read_decision(context.copy.id, context.version)
    except RewrittenVersion as error:
        raise CannotBeExported from error
    if decision is None:
        raise UnknownVersion
    release = Release.objects.get(pk=decision["heading"].release_id)
    content, checksum = releases.content_without_shadow(release)
    exported = ReleaseExport(
        id=release.pk, number=release.number, checksum=checksum, content=base64.b64encode(content).decode()
    )
    visibility = Visibility(today.compiled, NOBODY)
    personal = sum(
        visibility.of(path, answer) is PERSONAL for path, answer in walk_answers(document) if answer.is_answered
    )
    return Exported(DecisionExport(**decision, release=exported), personal)
