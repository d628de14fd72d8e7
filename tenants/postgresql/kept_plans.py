"""Statements whose plans the database keeps: each is the body of a function, which PL/pgSQL plans once per connection.

PostgreSQL plans any other statement anew each time it comes, which takes longer than to run it. A function needs no
state of the client, so it works behind a pooler in transaction mode. It runs with the rights of its caller, so
row-level security holds inside (docs/adr/0047). Its name contains a digest of its text: a program calls the function of
its own text, also while programs of two versions run side by side. Migrations create it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db.migrations import RunSQL


@dataclass(frozen=True)
class KeptPlan:
    """A statement with the types of its ``parameters`` and of the ``columns`` that it returns. The statements of
    ``before`` run first, in the same transaction; each sees what others have committed until it begins.
    The planner's methods in ``without``, such as ``sort``, are avoided where another exists.
    """

    prefix: str
    text: str
    parameters: Mapping[str, str]
    columns: Mapping[str, str]
    before: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """Return the name of the function."""
        return f"{self.prefix}_{hashlib.sha256(self._creation('').encode()).hexdigest()[:12]}"

    @cached_property
    def call(self) -> str:
        """Return the statement that has the same parameters and result."""
        return f"SELECT * FROM {self.name}({', '.join(f'%({name})s' for name in self.parameters)})"  # noqa: S608 - our own names

    def migration(self, *, is_shared: bool = False) -> RunSQL:
        """Return the operation that creates the function, unless an earlier migration did: in a new database they all
        run with the statements of the present program. With ``is_shared`` it reads tables of the shared database alone.
        """
        return RunSQL(
            [self._creation(self.name)],
            [f"DROP FUNCTION IF EXISTS {self.name}({self._types})"],
            hints={} if is_shared else {"tenant": True},
        )

    @property
    def _types(self) -> str:
        return ", ".join(self.parameters.values())

    def _creation(self, name: str) -> str:
        """Return the statement that creates the function under ``name``."""
        places = {parameter: f"${number}" for number, parameter in enumerate(self.parameters, 1)}
        body = "; ".join([*self.before, f"RETURN QUERY {self.text}"]) % places
        without = "".join(f" SET enable_{method} = off" for method in self.without)
        # The planner would prefer a plan for each list of ids, whose length it then knows; but it is always one.
        return (
            f"CREATE OR REPLACE FUNCTION {name}({self._types}) RETURNS TABLE ({_listed(self.columns)}) LANGUAGE plpgsql"
            f" SET plan_cache_mode = force_generic_plan{without}"
            f" AS $function$\n#variable_conflict use_column\nBEGIN {body}; END $function$"
        )


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
