"""Businesses by ZIP code and size: read from the Bureau's file, kept in Redis, and found again after a flush."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django_redis import get_redis_connection

from redis_locks.outage import RedisOutage
from rules.reference_data import old_industries
from search.industry_pattern_file import UnreadablePatterns, read_patterns
from search.industry_patterns import businesses_near, size_of
from search.models import IndustryPattern
from tests.harness.broken_redis import refusing_client
from tests.harness.cast import PROCESS

HEADER = "zip,naics,est,n<5,n5_9,n10_19,n20_49,n50_99,n100_249,n250_499,n500_999,n1000"
FILE = f"""{HEADER}
78701,2382//,9,9,N,N,N,N,N,N,N,N
78701,238220,12,9,3,N,N,N,N,N,N,N
78701,238210,40,30,N,10,N,N,N,N,N,N
501,722511,2,N,N,N,N,N,N,1,1,N
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "zbp21detail.txt"
    path.write_text(FILE)
    return path


def test_the_file_is_read_by_the_names_of_its_columns() -> None:
    assert read_patterns(FILE.splitlines()) == {
        "78701": {0: {"238220": 9, "238210": 30}, 5: {"238220": 3}, 10: {"238210": 10}},
        "00501": {250: {"722511": 2}},
    }
    assert read_patterns(['"ZIP","name","NAICS","n1_4"', '"78701","AUSTIN","238220","7"']) == {
        "78701": {0: {"238220": 7}}
    }


def test_older_codes_count_for_their_successors() -> None:
    old, industry = next((code, item) for code, item in old_industries().items() if len(item.successors) > 1)

    read = read_patterns([HEADER, f"78701,{old},4,4,N,N,N,N,N,N,N,N"])

    assert read == {"78701": {0: dict.fromkeys(industry.successors, 4)}}


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([], "zip, naics"),
        (["zip,naics"], "n<5"),
        (["naics,n<5"], "columns zip"),
        ([HEADER, "78701,238220"], "Line 2 has 2 columns"),
        ([HEADER, "7870x,238220,1,1,N,N,N,N,N,N,N,N"], "Line 2: '7870x'"),
        ([HEADER, "78701,238220,1,few,N,N,N,N,N,N,N,N"], "'few'"),
        ([HEADER, "78701,238220,1,-1,N,N,N,N,N,N,N,N"], "'-1'"),
    ],
)
def test_a_file_of_another_shape_is_refused(lines: list[str], named: str) -> None:
    with pytest.raises(UnreadablePatterns, match=named):
        read_patterns(lines)


@pytest.mark.django_db
def test_a_load_is_seen_at_once_and_replaces_the_last(file: Path, tmp_path: Path) -> None:
    call_command("load_industry_patterns", file)

    assert businesses_near("78701", employees=3) == {"238220": 9, "238210": 30}
    assert businesses_near("78701") == {"238220": 12, "238210": 40}
    assert businesses_near("78701", employees=7) == {"238220": 3}
    assert businesses_near("00501", employees=400) == {"722511": 2}
    assert businesses_near("10001") == businesses_near("") == {}

    other = tmp_path / "zbp22detail.txt"
    other.write_text(f"{HEADER}\n78701,238220,5,5,N,N,N,N,N,N,N,N\n")
    call_command("load_industry_patterns", other)

    assert businesses_near("78701") == {"238220": 5}
    assert businesses_near("00501") == {}


@pytest.mark.django_db
def test_redis_is_filled_again_after_a_flush(file: Path) -> None:
    call_command("load_industry_patterns", file)
    redis = get_redis_connection("default")
    before = businesses_near("78701", employees=3)

    kept = redis.keys(f"*{PROCESS}*industry_patterns*")
    assert len(kept) > 1
    redis.delete(*kept)

    assert businesses_near("78701", employees=3) == before
    kept_again = redis.keys(f"*{PROCESS}*industry_patterns*")
    assert sorted(kept_again) == sorted(kept)


@pytest.mark.django_db
def test_the_database_is_read_once_for_a_zip_code(file: Path) -> None:
    call_command("load_industry_patterns", file)
    businesses_near("78701")
    IndustryPattern.objects.all().delete()

    assert businesses_near("78701", employees=3) == {"238220": 9, "238210": 30}


@pytest.mark.django_db
def test_without_redis_the_database_responds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("load_industry_patterns", file)
    monkeypatch.setattr("search.industry_patterns.get_redis_connection", lambda alias: refusing_client())
    monkeypatch.setattr("search.industry_patterns.outage", RedisOutage())

    assert businesses_near("78701", employees=3) == {"238220": 9, "238210": 30}


@pytest.mark.django_db
def test_a_faulty_file_changes_nothing(file: Path, tmp_path: Path) -> None:
    call_command("load_industry_patterns", file)
    faulty = tmp_path / "faulty.txt"
    faulty.write_text(f"{HEADER}\n78701,238220,1,few,N,N,N,N,N,N,N,N\n")

    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("load_industry_patterns", faulty)
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("load_industry_patterns", tmp_path / "missing.txt")
    call_command("load_industry_patterns", file, "--dry-run")

    assert businesses_near("78701") == {"238220": 12, "238210": 40}


@pytest.mark.parametrize(("employees", "size"), [(0, 0), (4, 0), (5, 5), (249, 100), (250, 250), (10_000_000, 250)])
def test_sizes_are_classes(employees: int, size: int) -> None:
    assert size_of(employees) == size
