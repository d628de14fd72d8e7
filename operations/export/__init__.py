"""Export of a tenant: one archive with all of its data, without secrets."""
