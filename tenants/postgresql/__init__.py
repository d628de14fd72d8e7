"""Django's PostgreSQL backend that tells row-level security, with each statement, whose rows may be seen."""
