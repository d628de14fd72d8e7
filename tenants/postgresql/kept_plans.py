"""Statements whose plans the database keeps: each is the body of a function, which PL/pgSQL plans once per connection.

PostgreSQL plans any other statement anew each time it comes, which takes longer than to run it. A function needs no
state of the client, so it works behind a pooler in transaction mode. It runs with the rights of its caller, so
row-level security holds inside (docs/adr/0047). Its name contains a digest of its text: a program calls the function of
its own text, also while programs of two versions run side by side. Migrations create it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    before: tuple[str, ...] = field(default=(), repr=False)
    without: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def name(self) -> str:
        """Return the name of the function."""
        others = (*self.before, *self.without)
        content = repr((self, *others)) if others else repr(self)
        return f"{self.prefix}_{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    @cached_property
    def call(self) -> str:
        """Return the statement that has the same parameters and result."""
        return f"SELECT * FROM {self.name}({', '.join(f'%({name})s' for name in self.parameters)})"  # noqa: S608 - our own names

    def migration(self) -> RunSQL:
        """Return the operation that creates the function, unless an earlier migration did: in a new database they all
        run with the statements of the present program.
        """
        signature = f"{self.name}({', '.join(self.parameters.values())})"
        places = {name: f"${number}" for number, name in enumerate(self.parameters, 1)}
        body = "; ".join([*self.before, f"RETURN QUERY {self.text}"]) % places
        without = "".join(f" SET enable_{method} = off" for method in self.without)
        # The planner would prefer a plan for each list of ids, whose length it then knows; but it is always one.
        return RunSQL(
            [
                f"CREATE OR REPLACE FUNCTION {signature} RETURNS TABLE ({_listed(self.columns)}) LANGUAGE plpgsql"
                f" SET plan_cache_mode = force_generic_plan{without}"
                f" AS $function$\n#variable_conflict use_column\nBEGIN {body}; END $function$"
            ],
            [f"DROP FUNCTION IF EXISTS {signature}"],
            hints={"tenant": True},
        )


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
