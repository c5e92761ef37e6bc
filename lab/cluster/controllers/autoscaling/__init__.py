"""The horizontal autoscaler: what it reads, what it computes from that, and how fast it may act on it."""
