"""How the scheduler chooses: what it knows of each node, which nodes can take a Pod, which of those is best."""
