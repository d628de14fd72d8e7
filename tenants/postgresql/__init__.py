"""Django's PostgreSQL backend, whose every statement tells row-level security which tenant it works for."""
