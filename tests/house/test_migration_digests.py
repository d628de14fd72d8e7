"""A database made by earlier migrations is refused with the remedy."""

from pathlib import Path

import pytest

from house import migration_digests
from house.errors import HouseError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with one migration; its instance's folder is ``run``."""
    (tmp_path / "copies" / "migrations").mkdir(parents=True)
    (tmp_path / "copies" / "migrations" / "0001_initial.py").write_text("one")
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(migration_digests, "CHECKOUT", tmp_path)
    return tmp_path


def test_a_new_instance_and_one_of_the_same_migrations_start(checkout: Path) -> None:
    migration_digests.refuse_rewritten_migrations(checkout / "run")
    migration_digests.store_migrations(checkout / "run")
    (checkout / "run" / "servers.json").write_text("{}")

    migration_digests.refuse_rewritten_migrations(checkout / "run")


def test_further_migrations_are_accepted(checkout: Path) -> None:
    migration_digests.store_migrations(checkout / "run")
    (checkout / "copies" / "migrations" / "0002_more.py").write_text("two")

    migration_digests.refuse_rewritten_migrations(checkout / "run")


@pytest.mark.parametrize("change", ["rewritten", "removed", "made before this was noted"])
def test_rewritten_migrations_are_refused(checkout: Path, change: str) -> None:
    migration = checkout / "copies" / "migrations" / "0001_initial.py"
    if change == "made before this was noted":
        (checkout / "run" / "servers.json").write_text("{}")
    else:
        migration_digests.store_migrations(checkout / "run")
        migration.write_text("another one") if change == "rewritten" else migration.unlink()

    with pytest.raises(HouseError, match="make clean"):
        migration_digests.refuse_rewritten_migrations(checkout / "run")
