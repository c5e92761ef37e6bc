"""What Services mean for the apps: which ports an app is expected on, and which of its calls have a target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.cluster.store import Change, Store
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.traffic.discover import Meant, Mention, call_url, listening, meanings
from lab.traffic.request import Target, parse_target

if TYPE_CHECKING:
    from lab.traffic.server import Server
    from lab.traffic.servers import Servers


class ServiceIndex:
    """Every Service there is or has been, kept up to date from the store."""

    def __init__(self, store: Store, domain: str, servers: Servers) -> None:
        self.version = 0
        """Grows when a Service comes, changes its spec or goes."""
        self._store = store
        self._domain = domain
        self._servers = servers
        self._seen: dict[tuple[str, str], Service] = {}
        # An app goes on calling a Service that was deleted: that is what its clients are to see.
        self._by_selector: dict[tuple[str, str, str], dict[str, Service]] = {}
        self._interested: dict[tuple[str, str], dict[Server, None]] = {}
        for service in store.list(Service):
            self._add(service)
        store.subscribe(self._changed, Service)

    # -- following the store --------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        old, new = change.old, change.new
        before = old if isinstance(old, Service) else None
        after = new if isinstance(new, Service) else None
        if before is not None and after is not None and before.spec == after.spec:
            return
        self.version += 1
        if before is not None:
            self._remove(before)
        if after is not None:
            self._add(after)
        for service in (before, after):
            if service is not None:
                self._tell(service)

    def _add(self, service: Service) -> None:
        self._seen[service.key] = service
        label = _one_label(service)
        if label is not None:
            self._by_selector.setdefault((service.namespace, *label), {})[service.name] = service

    def _remove(self, service: Service) -> None:
        label = _one_label(service)
        if label is not None:
            self._by_selector.get((service.namespace, *label), {}).pop(service.name, None)

    def _tell(self, service: Service) -> None:
        """Let the apps that it selects open their ports anew, and those that only call it begin."""
        if service.spec.selector:
            for pod in self._store.list(Pod, service.namespace, service.spec.selector):
                for server in list(self._servers.pods.get(f"{pod.namespace}/{pod.name}", {}).values()):
                    self._servers.open_ports(server)
        for server in list(self._interested.get(service.key, {})):
            self._servers.drive(server)

    # -- apps -----------------------------------------------------------------------------------------------

    def watch(self, server: Server) -> None:
        """Tell a running app of the Services that it may call."""
        for key in self._keys(server):
            self._interested.setdefault(key, {})[server] = None

    def unwatch(self, server: Server) -> None:
        """The app has ended."""
        for key in self._keys(server):
            interested = self._interested.get(key)
            if interested is not None:
                interested.pop(server, None)
                if not interested:
                    del self._interested[key]

    def ports_of(self, server: Server) -> dict[tuple[str, int], None]:
        """Where an app listens now."""
        if server.spec.listen is not None:
            return dict.fromkeys(server.spec.listen)
        return listening(server.pod, server.container, lambda: self.selecting(server.pod))

    def selecting(self, pod: Pod) -> Iterator[Service]:
        """The Services that select a Pod."""
        current = self._store.find(Pod, pod.name, pod.namespace) or pod
        labels = current.metadata.labels
        for key, value in labels.items():
            for service in self._by_selector.get((pod.namespace, key, value), {}).values():
                if service.spec.selector.items() <= labels.items():
                    yield service

    def calls_of(self, server: Server) -> tuple[Target, ...]:
        """Whom an app calls: what its spec says, else those it mentions and usually calls, as far as they exist."""
        if server.spec.calls is not None:
            return tuple(map(parse_target, server.spec.calls))
        own = {service.key: None for service in self.selecting(server.pod)}
        found: dict[Meant, str] = {}
        for mention in self._mentioned(server):
            meant = self.meant(mention.host, server.pod.namespace)
            if meant is None or meant.key in own or meant in found or self._follows(mention, meant, server):
                continue
            url = call_url(mention, self._seen[meant.key])
            if url is not None:
                found[meant] = url
        return tuple(map(parse_target, found.values()))

    def meant(self, host: str, namespace: str) -> Meant | None:
        """What a host stands for to a Pod of a namespace: the likeliest that has a Service; None for other hosts."""
        return next((one for one in meanings(host, namespace, self._domain) if one.key in self._seen), None)

    def _follows(self, mention: Mention, meant: Meant, server: Server) -> bool:
        """Whether it stands in a list of one Service's Pods behind another: a driver talks to one of them."""
        before = self.meant(mention.after, server.pod.namespace) if mention.after and meant.pod else None
        return before is not None and before.key == meant.key

    def _mentioned(self, server: Server) -> Iterator[Mention]:
        for url in server.spec.usual_calls:
            target = parse_target(url)
            yield Mention(target.host, target.port, target.scheme)
        yield from server.mentions

    def _keys(self, server: Server) -> Iterator[tuple[str, str]]:
        if server.spec.calls is None:
            for mention in self._mentioned(server):
                for meant in meanings(mention.host, server.pod.namespace, self._domain):
                    yield meant.key


def _one_label(service: Service) -> tuple[str, str] | None:
    """One label that every selected Pod has, to find Services by a Pod's labels; always the same one."""
    return next(iter(sorted(service.spec.selector.items())), None)
