"""Long work on one copy between two locks: holds that keep the copy from being cloned meanwhile, and what was left."""
