"""What the lab costs, measured against a peer in the same process: `python -m benchmarks [NAME ...]`."""
