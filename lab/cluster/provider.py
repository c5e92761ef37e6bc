"""The API of whoever provides the cluster's load balancers: whether it answers."""

from __future__ import annotations


class Provider:
    """Asked by the controllers that make balancers, and by those that tell balancers of nodes and Pods."""

    __slots__ = ("up",)

    def __init__(self) -> None:
        self.up = True
