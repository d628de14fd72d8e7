"""What faces, messages and the search index share: who may see which value, and how values read. Pure."""
