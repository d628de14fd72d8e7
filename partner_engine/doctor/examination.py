"""Runs every check of the installation, each database by itself where its rows are concerned, and repairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Literal

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from partner_engine.doctor.drift import DRIFT_CHECKS
from partner_engine.doctor.installation import INSTALLATION_CHECKS
from partner_engine.examinations.check import Check, Tone, examine
from partner_engine.examinations.platform import PLATFORM_CHECKS
from partner_engine.examinations.work import WORK_CHECKS
from tenants.current_tenant import across_tenants
from tenants.managers import TenantModel

Level = Literal["ok", "warn", "fail"]
#: The one list of checks; the admin's start page shows those of work and platform.
CHECKS: Final = (*INSTALLATION_CHECKS, *PLATFORM_CHECKS, *WORK_CHECKS, *DRIFT_CHECKS)
LEVELS: Final[dict[Tone, Level]] = {"good": "ok", "plain": "ok", "warn": "warn", "unknown": "warn", "bad": "fail"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of one check, of the whole installation or of one ``database``. ``repaired`` says what was done."""

    check: str
    database: str | None
    level: Level
    figure: str
    text: str
    remedy: str = ""
    repaired: str = ""


def examine_all(*, checks: Iterable[Check] = CHECKS, is_repairing: bool = False) -> Iterator[Result]:
    """Yield the result of each check, once per database where it looks at rows of tenants."""
    for check in checks:
        results = [_result(check, alias) for alias in _databases(check)]
        if is_repairing and check.repair is not None and any(result.level == "fail" for result in results):
            done = check.repair()
            results = [_result(check, alias, repaired=done) for alias in _databases(check)]
        yield from results


def _databases(check: Check) -> list[str | None]:
    app, model = check.label
    if check.is_of_installation:
        return [None]
    return list(connections) if issubclass(apps.get_model(app, model), TenantModel) else [None]


def _result(check: Check, alias: str | None, *, repaired: str = "") -> Result:
    with nullcontext() if check.is_of_installation else across_tenants(using=alias or DEFAULT_DB_ALIAS):
        finding = examine(check, timezone.now())
    level = LEVELS[finding.tone]
    return Result(
        check=check.title,
        database=alias,
        level=level,
        figure=finding.figure,
        text=finding.text,
        remedy="" if level == "ok" else check.remedy,
        repaired=repaired,
    )
