"""Kubernetes objects: what a manifest says."""
