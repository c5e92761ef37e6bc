"""Builds the newest rule table from watch events, touching only the Services that changed.

All nodes of a cluster hear the same events, so the newest table is built once and shared; each node takes it over
when its own kube-proxy syncs (`lab.network.proxy`).
"""

from __future__ import annotations

from bisect import bisect_right

from lab.kube.kinds.endpointslice import HEADLESS_LABEL, EndpointSlice
from lab.kube.kinds.service import SERVICE_PROXY_NAME_LABEL, Service
from lab.kube.meta import KubeObject
from lab.network.addresses import IPV4, IPV6
from lab.network.endpoints import EndpointInfo, PortKey, endpoints_of_slice, merge
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule, build_rules

Key = tuple[str, str]
SliceEndpoints = dict[PortKey, tuple[EndpointInfo, ...]]

_UNWATCHED = (SERVICE_PROXY_NAME_LABEL, HEADLESS_LABEL)


class RuleBuilder:
    """Services and EndpointSlices as heard so far, and the table that follows from them."""

    def __init__(self, families: tuple[str, ...] = (IPV4, IPV6), *, ip_mode: bool = True) -> None:
        self.table = RuleTable()
        self._families = families
        self._ip_mode = ip_mode
        self._services: dict[Key, Service] = {}
        self._slices: dict[Key, dict[str, SliceEndpoints]] = {}
        self._dirty: dict[Key, None] = {}
        self._change_versions: list[int] = []
        self._change_services: list[str] = []
        self._last_asked: tuple[int, int, tuple[str, ...]] = (0, 0, ())

    def apply(self, obj: KubeObject, *, deleted: bool = False) -> None:
        """Take in a Service or EndpointSlice as it now is, or that it is gone; other kinds are ignored.

        kube-proxy watches none that have one of two labels, so to it they are gone, too.
        """
        deleted = deleted or any(label in obj.metadata.labels for label in _UNWATCHED)
        if isinstance(obj, Service):
            if deleted:
                self._services.pop(obj.key, None)
            else:
                self._services[obj.key] = obj
            self._dirty[obj.key] = None
        elif isinstance(obj, EndpointSlice) and obj.service and obj.address_type in (IPV4, IPV6):
            owner = (obj.namespace, obj.service)
            slices = self._slices.setdefault(owner, {})
            if deleted:
                slices.pop(obj.name, None)
            else:
                slices[obj.name] = endpoints_of_slice(obj)
            self._dirty[owner] = None

    def refresh(self) -> bool:
        """Rebuild what changed; whether any rule is different now. A new table gets the next version."""
        before = self.table
        for key in self._dirty:
            self._rebuild(key)
        self._dirty.clear()
        return self.table is not before

    def endpoints(self, namespace: str, service: str) -> SliceEndpoints:
        """All endpoints of a Service by port, whether or not the Service itself exists."""
        slices = self._slices.get((namespace, service), {})
        return merge(slices[name] for name in sorted(slices))

    def changes_between(self, older: int, newer: int) -> tuple[str, ...]:
        """The Services whose rules changed after version `older`, up to and including `newer`."""
        # Most nodes go from the same table to the same table, one right after another.
        if self._last_asked[:2] != (older, newer):
            first = bisect_right(self._change_versions, older)
            last = bisect_right(self._change_versions, newer)
            self._last_asked = (older, newer, tuple(dict.fromkeys(self._change_services[first:last])))
        return self._last_asked[2]

    def _rebuild(self, key: Key) -> None:
        name = "/".join(key)
        service = self._services.get(key)
        rules: tuple[ServicePortRule, ...] = ()
        if service is not None:
            rules = build_rules(service, self.endpoints(*key), self._families, ip_mode=self._ip_mode)
        held = self.table.services.get(name, ())
        if len(held) == len(rules) and all(old.equals(new) for old, new in zip(held, rules, strict=True)):
            return
        self.table = self.table.with_service(name, rules)
        self._change_versions.append(self.table.version)
        self._change_services.append(name)
