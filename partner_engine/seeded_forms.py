"""Fills a tenant with any number of forms, for load tests and for trying plans, indexes and backups at full size.

A few hundred forms are saved by the batch, with rules and history; the others are their rows under new ids, copied
inside PostgreSQL. Each has a form, a copy, a version with a valid link of its chain, its attached records and its words
in the search index. Copied forms emit no actions; those of the saved ones are deleted, but a relay that runs meanwhile
may have run some, webhooks among them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from actions.models import OutboxAction
from batch import service as batch
from batch.storage.tables import TABLES
from catalogue.demo import read_samples
from copies import chain
from copies.codec import content_of
from copies.models import Copy, CopyIndex, CopyRevision
from copies.stored_versions import Content
from forms.models import ApplicationForm
from search.indexer import index_copies
from search.models import SearchEntry, SearchWord
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Forms that the batch saves; the names of the others repeat after as many.
PATTERNS: Final = 200
#: Forms of one transaction.
AT_ONCE: Final = 2_000
#: Time between two forms: a million of them reach back about two years.
STEP: Final = timedelta(minutes=1)
#: Policies begin so much later.
_AHEAD: Final = timedelta(days=30)
_FIRST: Final = "Amber Birch Cedar Copper Delta Elm Granite Harvest Juniper Lantern Maple Marble Orchard Pine".split()
_SECOND: Final = "Anchor Bell Bridge Canyon Crown Field Forge Harbor Kettle Mill Plow Quarry Spring Wagon Well".split()
_SEEDS: Final = "seeded_forms_new"
#: The demo's questions whose answers are sealed: a key opens them in one copy alone, so none are copied.
SECRET: Final = frozenset({"mqs_fein", "mqs_owner_ssn", "mqs_own_dob", "mqs_own_ssn", "mqs_drv_dob", "mqs_drv_license"})
#: The values of a copied row that differ from those of its pattern, by column.
_CHANGED: Final[Mapping[type[models.Model], Mapping[str, str]]] = {
    ApplicationForm: {"id": "s.id", "created_at": "s.at"},
    Copy: {
        "id": "s.id", "application_form_id": "s.id", "chain": "s.chain",
        "created_at": "s.at", "updated_at": "s.at", "last_touched_by_user_at": "s.at",
    },
    CopyRevision: {"copy_id": "s.id", "chain": "s.chain", "created_at": "s.at"},
}  # fmt: skip


class Pattern(NamedTuple):
    """A form that the batch saved: its id, the columns of its version, and the digest of its content."""

    id: UUID
    revision: dict[str, Any]
    digest: str


def seed_forms(number: int, *, tenant: Tenant, actor: Actor) -> Iterator[int]:
    """Add ``number`` forms to ``tenant``; yield how many there are after each portion. Raises ``DatabaseError``."""
    patterns = _patterns(min(number, PATTERNS), tenant=tenant, actor=actor)
    done = len(patterns)
    yield done
    latest = timezone.now()
    while done < number:
        places = range(done, min(number, done + AT_ONCE))
        seeds = [_seed(patterns[place % len(patterns)], latest - place * STEP) for place in places]
        _copy(seeds, tenant=tenant)
        done = places.stop
        yield done


def _patterns(number: int, *, tenant: Tenant, actor: Actor) -> list[Pattern]:
    """Save forms with the demo's samples under invented names, and put them into the search index."""
    samples = [sample for sample in read_samples() if not sample.copy_of]
    names = itertools.cycle(itertools.product(_FIRST, _SECOND))
    begin = (timezone.now() + _AHEAD).date().isoformat()
    dates = {"mqs_effective_date": begin, "mqs_expiration_date": begin}
    ids = []
    for place, name in zip(range(number), names, strict=False):
        sample, title = samples[place % len(samples)], " ".join(name)
        with batch.build_context(scope=tenant, actor=actor, title=title) as context:
            answers = {**sample.answers, **dates, "mqs_business_name": f"{title} LLC"}
            context.changeset.apply_answers(_without_secrets(answers), _rows_without_secrets(sample.answer_pools))
            context.save()
            ids.append(context.copy.id)
    index_copies(ids, tenant=tenant)
    with use_tenant(tenant):
        # The words are in the index already, and events would be sent for the patterns alone.
        OutboxAction.objects.filter(copy_id__in=ids).delete()
        rows = CopyRevision.objects.filter(copy_id__in=ids).order_by("copy_id").values()
        return [_pattern(row) for row in rows]


def _without_secrets(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {code: value for code, value in answers.items() if code not in SECRET}


def _rows_without_secrets(pools: Mapping[str, Any]) -> dict[str, Any]:
    return {
        pool: [
            {
                **row,
                "answers": _without_secrets(row.get("answers", {})),
                "answer_pools": _rows_without_secrets(row.get("answer_pools", {})),
            }
            for row in rows
        ]
        for pool, rows in pools.items()
    }


def _pattern(row: dict[str, Any]) -> Pattern:
    content = Content.of(bytes(row["document"]), bytes(row["evaluation"]))
    digest = chain.content_digest(content.document, content.evaluation, content_of(bytes(row["changes"])))
    return Pattern(row["copy_id"], row, digest)


def _seed(pattern: Pattern, at: datetime) -> tuple[UUID, UUID, datetime, bytes]:
    """Return the pattern's id, the new id, its time, and the link of its only version."""
    new_id = uuid7()
    head = chain.heading({**pattern.revision, "copy_id": new_id, "created_at": at})
    return pattern.id, new_id, at, chain.link(chain.START, head, pattern.digest)


def _copy(seeds: Sequence[tuple[UUID, UUID, datetime, bytes]], *, tenant: Tenant) -> None:
    """Write the forms of ``seeds``, first their entries in the shared index."""
    alias = tenant.database_alias
    CopyIndex.objects.using(DEFAULT_DB_ALIAS).bulk_create(
        CopyIndex(copy_id=new_id, application_form_id=new_id, tenant_id=tenant.id) for _, new_id, _, _ in seeds
    )
    with use_tenant(tenant), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {_SEEDS} (pattern uuid, id uuid, at timestamptz, chain bytea) ON COMMIT DROP"
        )
        with cursor.copy(f"COPY {_SEEDS} FROM STDIN") as rows:
            for seed in seeds:
                rows.write_row(seed)
        for model, owner in _tables():
            cursor.execute(_statement(model, owner))


def _tables() -> list[tuple[type[models.Model], str]]:
    """Return the tables of a form, each with the column that names the form or copy."""
    own = [(ApplicationForm, "id"), (Copy, "id"), (CopyRevision, "copy_id")]
    attached = [(table.model, table.owner) for table in TABLES]
    return [*own, *attached, (SearchEntry, "copy_id"), (SearchWord, "copy_id")]


def _statement(model: type[models.Model], owner: str) -> str:
    """Return the statement that copies the rows of ``model`` from the patterns to the new forms."""
    changed = _CHANGED.get(model) or {"copy_id": "s.id", "application_form_id": "s.id"}
    columns, values = [], []
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        columns.append(field.attname)
        is_key = field.primary_key and field.attname not in changed
        values.append("gen_random_uuid()" if is_key else changed.get(field.attname, f"p.{field.attname}"))
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # noqa: S608 - our own names
        f" FROM {_SEEDS} s JOIN {model._meta.db_table} p ON p.{owner} = s.pattern"
    )
