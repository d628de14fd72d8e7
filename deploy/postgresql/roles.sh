#!/bin/sh
# Run once by the image of PostgreSQL, when its folder is empty: the statements of roles.sql.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -v application_password="$PARTNER_ENGINE_PASSWORD" \
    -v backup_password="$BACKUP_PASSWORD" -f /docker-entrypoint-initdb.d/roles.sql.template
