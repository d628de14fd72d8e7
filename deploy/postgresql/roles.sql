-- The roles and the database of an installation, as the superuser:
--   psql -U postgres -v application_password=... -v backup_password=... -f deploy/postgresql/roles.sql
-- The application's role owns its tables and is bound by row-level security; with any other it does not start.
CREATE ROLE partner_engine LOGIN PASSWORD :'application_password';
-- PostgreSQL would write a failed statement with its values into its log.
ALTER ROLE partner_engine SET log_min_messages = 'log';
CREATE DATABASE partner_engine OWNER partner_engine ENCODING 'UTF8' TEMPLATE template0;

-- For pg_dump alone: reads everything, past row-level security, and changes nothing (docs/backup.md).
CREATE ROLE partner_engine_backup LOGIN BYPASSRLS PASSWORD :'backup_password';
GRANT pg_read_all_data TO partner_engine_backup;
ALTER ROLE partner_engine_backup SET default_transaction_read_only = on;
