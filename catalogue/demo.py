"""The demo: loads and publishes its catalogue, and reads its sample applications with their expected outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from catalogue.case_rows import load_cases
from catalogue.files import read_file
from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import publish
from catalogue.yaml_nodes import SAFE_LOADER

DEMO_FOLDER: Final = Path(__file__).resolve().parents[1] / "demo"
CATALOGUE_FILE: Final = DEMO_FOLDER / "catalogue.yaml"
SAMPLES_FILE: Final = DEMO_FOLDER / "samples.yaml"
_ROW_DEFAULTS: Final = {
    "buildings": "building_defaults",
    "drivers": "driver_defaults",
    "locations": "location_defaults",
    "vehicles": "vehicle_defaults",
}
_NOT_POOLS: Final = frozenset({"id", "like", "note", "a", "expect"})


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected outcome of one product for a sample; ``details`` are rule ids, base checks or missing questions."""

    outcome: str
    premium: int | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample application, or another copy of the sample ``copy_of``, in the shapes of the API."""

    id: str
    title: str
    as_of: date
    answers: dict[str, Any]
    answer_pools: dict[str, list[dict[str, Any]]]
    expect: dict[str, Expected]
    copy_of: str = ""
    #: The answers of a copy that differ from those of its sample.
    changed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_base(self) -> bool:
        """Return whether it is a copy without changes: the form's default copy under its title."""
        return bool(self.copy_of) and not self.changed


def load_demo_catalogue(*, actor_id: str) -> Release:
    """Load the demo's catalogue with its golden cases, and publish it; nothing changes if its release is already
    current.
    """
    file = read_file(CATALOGUE_FILE)
    catalogue = load(file.definition)
    load_cases(catalogue, file.definition, file.cases, actor_id=actor_id)
    return publish(catalogue, actor_id=actor_id, notes="The demo")


def read_samples() -> list[Sample]:
    """Return the demo's samples in order, followed by further copies of them."""
    file = yaml.load(SAMPLES_FILE.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 - a safe one
    by_id = {sample["id"]: sample for sample in file["samples"]}
    samples = [_sample(by_id[identity], file, by_id) for identity in by_id]
    base = {sample.id: sample for sample in samples}
    copies = [
        Sample(
            id=f"{copy['of']} {copy['title']}",
            title=copy["title"],
            as_of=base[copy["of"]].as_of,
            answers={**base[copy["of"]].answers, **copy["set"]},
            answer_pools=base[copy["of"]].answer_pools,
            expect=_expected(copy["expect"]),
            copy_of=copy["of"],
            changed=copy["set"],
        )
        for copy in file["copies"]
    ]
    return samples + copies


def _sample(sample: Mapping[str, Any], file: Mapping[str, Any], by_id: Mapping[str, Any]) -> Sample:
    like = by_id.get(sample.get("like", ""), {})
    answers = {**file["sample_defaults"], **like.get("a", {}), **sample["a"]}
    sources = (file["pool_defaults"], like, sample)
    pools = {code: rows for source in sources for code, rows in source.items() if code not in _NOT_POOLS}
    return Sample(
        id=sample["id"],
        title=str(answers["mqs_business_name"]),
        as_of=date.fromisoformat(file["as_of"]),
        answers={code: value for code, value in answers.items() if value is not None},
        answer_pools={code: _rows(code, rows, file) for code, rows in pools.items()},
        expect=_expected(sample["expect"]),
    )


def _rows(pool: str, rows: list[Mapping[str, Any]], file: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of ``pool``; a list of rows inside a row is a nested pool."""
    defaults = file[_ROW_DEFAULTS[pool]] if pool in _ROW_DEFAULTS else {}
    built = []
    for row in rows:
        nested = {code: value for code, value in row.items() if isinstance(value, list)}
        answers = {**defaults, **{code: value for code, value in row.items() if code not in nested}}
        pools = {code: _rows(code, below, file) for code, below in nested.items()}
        built.append({"answers": answers, **({"answer_pools": pools} if pools else {})})
    return built


def _expected(expect: Mapping[str, Any]) -> dict[str, Expected]:
    """Return the outcomes of ``{product: outcome}`` or ``{product: [outcome, premium, id, ...]}``."""
    built = {}
    for product, value in expect.items():
        outcome, *rest = value if isinstance(value, list) else [value]
        premium = next((part for part in rest if isinstance(part, int)), None)
        details = tuple(part for part in rest if isinstance(part, str))
        built[product] = Expected(outcome=outcome, premium=premium, details=details)
    return built
