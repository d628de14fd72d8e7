"""Dashboard, alerts and the table of metrics name what the product exports, with labels that exist."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import import_module
from typing import Any, Final

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from tests.house.test_promises import CHECKOUT, floors, tracked_files

#: Of Prometheus itself, of the process, of Python, and of stamina, which registers its counter at the first retry.
OTHERS: Final = re.compile(r"up|(process|python|stamina)_\w+")
#: Of django-prometheus, which the product does not fill.
UNUSED: Final = re.compile(r"django_(model|migrations)_\w+")
PARTS: Final = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_NAME: Final = re.compile(r"\b(?:partner_engine|django)_[a-z_]+\b|\bup\b|\bprocess_[a-z_]+\b")
_GROUPED: Final = re.compile(r"by \(([a-z_, ]+)\)")
_MATCHED: Final = re.compile(r'(\w+)(?:=|!=|=~|!~)"')
#: Labels of Prometheus, and of the histograms' lines.
ADDED: Final = {"le", "instance", "job"}
MAKES_METRICS: Final = re.compile(r"^from (prometheus_client|actions\.lag) import", re.MULTILINE)


@cache
def metrics() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the metrics of the product by name: kind and labels."""
    for path in tracked_files():
        # A module registers its metrics when it is imported.
        if path.suffix == ".py" and path.relative_to(CHECKOUT).parts[0] in floors():
            if MAKES_METRICS.search(path.read_text(encoding="utf-8")):
                import_module(".".join(path.relative_to(CHECKOUT).with_suffix("").parts))
    found = {}
    for metric in REGISTRY._collector_to_names:  # noqa: SLF001 - the registry has no other list
        if isinstance(metric, MetricWrapperBase) and not UNUSED.match(metric._name):  # noqa: SLF001
            found[metric._name] = (metric._type, metric._labelnames)  # noqa: SLF001
    return {name: known for name, known in found.items() if not OTHERS.fullmatch(name)}


def series() -> dict[str, tuple[str, ...]]:
    """Return the labels of each exported line of a metric, by its name."""
    return {f"{name}{part}": labels for name, (kind, labels) in metrics().items() for part in PARTS[kind]}


def alerts() -> list[dict[str, Any]]:
    text = (CHECKOUT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    return dict(json.loads((CHECKOUT / "deploy" / "grafana" / "partner-engine.json").read_text(encoding="utf-8")))


def queries() -> dict[str, str]:
    """Return the queries of dashboard and alerts by what they are of."""
    shown = {
        f"panel {panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
    }
    return shown | {f"alert {rule['alert']}": rule["expr"] for rule in alerts()}


def page() -> str:
    return (CHECKOUT / "docs" / "watching.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("of", "query"), queries().items())
def test_a_query_reads_series_and_labels_that_exist(of: str, query: str) -> None:
    known = series()

    named = set(_NAME.findall(query))
    labels = {label.strip() for group in _GROUPED.findall(query) for label in group.split(",")}
    labels |= set(_MATCHED.findall(query))

    assert named, of
    assert [name for name in named if name not in known and not OTHERS.fullmatch(name)] == []
    assert labels <= ADDED.union(*(known.get(name, ()) for name in named))
    assert query.count("(") == query.count(")")


def test_the_table_has_every_metric_with_its_kind_and_labels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\| ", page(), flags=re.MULTILINE)
    exported = {
        f"{name}{'_total' if kind == 'counter' else ''}": (kind, ", ".join(labels))
        for name, (kind, labels) in metrics().items()
    }

    assert {name: (kind, labels) for name, kind, labels in rows} == exported


def test_the_dashboard_shows_every_metric() -> None:
    shown = set(_NAME.findall(" ".join(queries().values())))

    missing = [name for name, (kind, _) in metrics().items() if not shown & {f"{name}{part}" for part in PARTS[kind]}]

    assert missing == []


def test_every_alert_says_what_to_do_and_is_documented() -> None:
    documented = dict(re.findall(r"^\| `(PartnerEngine\w+)` \| .* \| (page|ticket) \|$", page(), flags=re.MULTILINE))

    assert documented == {rule["alert"]: rule["labels"]["severity"] for rule in alerts()}
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(cells) == len(set(cells))
