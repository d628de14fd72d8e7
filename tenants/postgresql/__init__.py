"""Django's PostgreSQL backend; each statement names its tenant for row-level security."""
