"""Decides 10,000 copies of the demo's samples under a release without saving them, against a bare loop on one core."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Final

from batch import service as batch
from benchmarks.figures import Figure, figure
from benchmarks.forms import ACTOR
from benchmarks.rounds import Contender, interleave, ratios
from catalogue import releases
from catalogue.demo import load_demo_catalogue, read_samples
from copies.codec import decode_document
from copies.sealed_answers import Sealer
from decisions.decide_many import DecidingRelease, StoredCopy, decide_many
from rules.flow import check_flow
from tenants.models import Tenant

COPIES: Final = 10_000
QUICK: Final = {"copies": 200}
#: The part of all cores that must come through, after what processes cost.
SHARE: Final = 0.8


def measure(rounds: int, *, copies: int = COPIES) -> list[Figure]:
    """Return how much faster ``decide_many`` is than a loop of decode and decide, and how much memory it takes."""
    release = releases.get(load_demo_catalogue(actor_id="bench").pk)
    stored = stored_samples(release.catalogue_code)
    assert all(
        one.evaluation == check_flow_of(copy, release)
        for copy, one in zip(stored, decide_many(stored, release, workers=1), strict=True)
    )
    growth = _growth(stored, release, copies)
    contenders = [
        Contender(name="bare", run=lambda call: _bare(_many(stored, copies), release), warm_up=1),
        Contender(name="ours", run=lambda call: _drain(_many(stored, copies), release, workers=0), warm_up=1),
        Contender(name="one core", run=lambda call: _drain(_many(stored, copies), release, workers=1), warm_up=1),
    ]
    times = interleave(contenders, rounds=rounds)
    what, cores = f"decide {copies:,} demo copies", len(os.sched_getaffinity(0))
    return [
        figure(f"{what}: decide_many", "s", times["ours"]),
        figure(f"{what}: bare loop on one core / ours on one core", "times", ratios(times["bare"], times["one core"])),
        figure(
            f"{what}: bare loop on one core / ours on {cores} cores",
            "times",
            ratios(times["bare"], times["ours"]),
            goal=f">= {SHARE * cores:.1f}",
        ),
        figure(f"{what}: memory above that for a tenth of them", "MB", [growth], goal="<= 10"),
    ]


def check_flow_of(copy: StoredCopy, release: DecidingRelease) -> object:
    """Return the evaluation of a full decode and a full run."""
    sealer = Sealer(tenant_id=copy.tenant_id, copy_id=copy.id, key=copy.key)
    document = decode_document(copy.document)
    result = check_flow.run(release.compiled, document, as_of=copy.as_of, release=release.id, reveal=sealer.reveal)
    return result.evaluation


def stored_samples(catalogue: str) -> list[StoredCopy]:
    """Store the demo's samples at a tenant; return their copies."""
    tenant, _ = Tenant.objects.get_or_create(code="deciding", name="Deciding", catalogue=catalogue)
    stored = []
    for sample in read_samples():
        with batch.build_context(scope=tenant, actor=ACTOR, title=sample.title, as_of=sample.as_of) as context:
            context.changeset.apply_answers(sample.answers, sample.answer_pools)
            context.save()
            copy = context.copy
        stored.append(
            StoredCopy(
                id=copy.id,
                tenant_id=tenant.id,
                as_of=sample.as_of,
                document=copy.document,
                evaluation=copy.evaluation,
                key=copy.key,
            )
        )
    return stored


def _many(stored: list[StoredCopy], copies: int) -> Iterator[StoredCopy]:
    return islice(cycle(stored), copies)


def _bare(stream: Iterator[StoredCopy], release: DecidingRelease) -> None:
    for copy in stream:
        check_flow_of(copy, release)


def _drain(stream: Iterator[StoredCopy], release: DecidingRelease, *, workers: int) -> None:
    for _ in decide_many(stream, release, workers=workers):
        pass


def _growth(stored: list[StoredCopy], release: DecidingRelease, copies: int) -> float:
    _drain(_many(stored, copies // 10), release, workers=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _drain(_many(stored, copies), release, workers=0)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
