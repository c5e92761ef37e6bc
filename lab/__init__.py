"""Service Lab: a Kubernetes cluster, its Services and their traffic as a deterministic simulation."""

__version__ = "0.1.0"
