"""The policy of visibility and the display of values, shared by faces, messages and the search index. Pure."""
