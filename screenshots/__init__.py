"""Pictures of real runs, for the README."""
