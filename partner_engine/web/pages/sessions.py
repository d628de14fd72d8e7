"""The versions of a copy by sessions: what one author saved without a pause of a quarter of an hour. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from partner_engine.web.pages.versions import Effect, Version
from presentation.formats import counted

#: A longer pause begins a new session.
PAUSE: Final = timedelta(minutes=15)
_SOURCES: Final = {"web": "", "api": "through the API", "admin": "in the admin"}


@dataclass(frozen=True)
class Session:
    """What one author did in one go. ``versions`` are the latest first; ``effects`` are those of all together."""

    by: str
    source: str
    when: str
    begun_at: str
    summary: str
    versions: tuple[Version, ...]
    effects: tuple[Effect, ...]

    @property
    def first(self) -> int:
        """Return the number of its first version."""
        return self.versions[-1].number

    @property
    def last(self) -> int:
        """Return the number of its last version."""
        return self.versions[0].number


def build_sessions(versions: Iterable[Version], *, zone: ZoneInfo, now: datetime) -> tuple[Session, ...]:
    """Return the sessions of ``versions``, which come the latest first."""
    groups: list[list[Version]] = []
    for version in versions:
        last = groups[-1][-1] if groups else None
        if last is not None and _is_one_session(version, last):
            groups[-1].append(version)
        else:
            groups.append([version])
    return tuple(_session(group, zone, now) for group in groups)


def _is_one_session(earlier: Version, later: Version) -> bool:
    same = (earlier.who, earlier.source) == (later.who, later.source)
    return same and later.saved_at - earlier.saved_at < PAUSE


def _session(group: Sequence[Version], zone: ZoneInfo, now: datetime) -> Session:
    last, first = group[0], group[-1]
    return Session(
        by=last.by,
        source=_SOURCES.get(last.source, ""),
        when=_span(first.saved_at.astimezone(zone), last.saved_at.astimezone(zone), now.astimezone(zone)),
        begun_at=first.saved_at.isoformat(),
        summary=_summary(group),
        versions=tuple(group),
        effects=_joined(group),
    )


def _span(first: datetime, last: datetime, now: datetime) -> str:
    if first.date() == now.date():
        day = "Today, "
    elif first.date() == now.date() - timedelta(days=1):
        day = "Yesterday, "
    else:
        day = f"{first:%b} {first.day}, " + (f"{first.year}, " if first.year != now.year else "")
    ends = f" to {last:%H:%M}" if f"{first:%H:%M}" != f"{last:%H:%M}" else ""
    return f"{day}{first:%H:%M}{ends}"


def _summary(group: Sequence[Version]) -> str:
    answers = {path for version in group for path in version.paths}
    causes = [version.cause for version in reversed(group) if version.cause]
    parts = list(dict.fromkeys(causes))[:2]
    if answers:
        parts.append(counted(len(answers), "answer"))
    elif not parts and group[0].changes:
        parts.append(group[0].changes[0].label)
    return " · ".join(parts) or "Decided again"


def _joined(group: Sequence[Version]) -> tuple[Effect, ...]:
    """Return what the versions did together: the first state before and the last after, without what came back."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for version in reversed(group):
        for effect in version.effects:
            first.setdefault(effect.product, effect.before)
            last[effect.product] = effect.after
    return tuple(Effect(name, first[name], last[name]) for name in first if first[name] != last[name])
