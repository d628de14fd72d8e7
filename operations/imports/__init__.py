"""Files of forms that are imported: read, mapped to the catalogue's questions, previewed, and turned into items."""
