"""The agents' and guests' pages, one file per resource. ``pages`` builds page models without request or database."""
