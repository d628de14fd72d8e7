"""The migration operation that has PostgreSQL itself keep tenants apart, whatever the query says."""

from __future__ import annotations

from typing import Any, Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

POLICY: Final = "tenant_isolation"
# Subselects are worked out once per statement, not once per row. Nothing set, or set to '', matches no row.
_SETTING: Final = "(SELECT current_setting('partner_engine.tenant', true))"
_TENANT: Final = "(SELECT NULLIF(NULLIF(current_setting('partner_engine.tenant', true), ''), '*')::uuid)"
_ENABLE: Final = (
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    # The application owns its tables; without FORCE the owner is exempt.
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY {POLICY} ON {{table}} USING (tenant_id = {_TENANT} OR {_SETTING} = '*')",
)
_DISABLE: Final = (
    f"DROP POLICY {POLICY} ON {{table}}",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
)


class RowLevelSecurity(Operation):
    """Show and take rows of these models only for the tenant in scope. Comes after the ``CreateModel`` of each."""

    reversible = True
    reduces_to_sql = True
    category = OperationCategory.SQL

    def __init__(self, *model_names: str) -> None:
        self.model_names = model_names

    def deconstruct(self) -> tuple[str, list[str], dict[str, Any]]:
        """Return how to write the operation into a migration."""
        return self.__class__.__qualname__, list(self.model_names), {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Turn it on."""
        self._execute(_ENABLE, app_label, schema_editor, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Turn it off."""
        self._execute(_DISABLE, app_label, schema_editor, from_state)

    def describe(self) -> str:
        """Say what it does."""
        return f"Keep the rows of {', '.join(self.model_names)} to their tenants"

    def _execute(
        self, statements: tuple[str, ...], app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> None:
        for name in self.model_names:
            model = state.apps.get_model(app_label, name)
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                for statement in statements:
                    schema_editor.execute(statement.format(table=schema_editor.quote_name(model._meta.db_table)))
