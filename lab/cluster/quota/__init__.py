"""Resource quotas: what an object counts for, which quotas concern it, and whether there is room."""
