"""The data of one person in the forms of one tenant: where it is, its export, and its erasure."""
