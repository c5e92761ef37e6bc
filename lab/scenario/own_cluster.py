"""`lab run -f`: a scenario without a story, made from manifests, with traffic to what they expose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from lab.cluster.apply import in_namespace
from lab.cluster.pod_cidrs import most_nodes
from lab.cluster.review.api import refusals
from lab.cluster.review.errors import errors_in, refuse
from lab.engine import ClusterSpec, plain_nodes
from lab.kube.documents import Document, made, read_documents
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.kube.time import parse_duration
from lab.scenario.loader import load
from lab.scenario.parties import CLIENT_POD, client_pod, with_parties
from lab.scenario.scenario import Scenario
from lab.settings import Settings
from lab.traffic.app import AppSpec

HEADLESS_S = 60.0


class OwnCluster(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    paths: tuple[str, ...]
    nodes: int = 3
    zones: tuple[str, ...] = ()
    proxy: str = "nftables"
    settings: Settings = msgspec.field(default_factory=Settings)
    apps: str | None = None
    """A scenario file whose `apps` say what the images do."""
    traffic: str = "auto"
    duration: str | None = None
    headless: bool = False


def scenario_of(own: OwnCluster) -> Scenario:
    """The scenario; raises `LabError` with everything that is wrong with the manifests."""
    if own.nodes < 1:
        raise LabError(f"--nodes {own.nodes}: a cluster needs a node")
    most = most_nodes(own.settings.pod_cidr)
    if own.nodes > most:
        raise LabError(f"--nodes {own.nodes}: --pod-cidr {own.settings.pod_cidr} has room for {most}")
    read = read_documents(own.paths)
    refuse(errors_in(read, partial(refusals, settings=own.settings)))
    if not read.found:
        raise LabError(f"{', '.join(own.paths)}: there is no object in it")
    return Scenario(
        name=_name(own.paths),
        about="A cluster of your own.",
        folder=Path(),
        duration_s=_duration(own),
        cluster=ClusterSpec(
            nodes=plain_nodes(own.nodes, own.zones),
            proxy=own.proxy,
            settings=own.settings,
        ),
        documents=with_parties([*read.found, *_terminal_client(read.objects)], ()),
        apps=_apps(own.apps),
        usual_traffic=own.traffic == "auto",
    )


def _terminal_client(objects: Sequence[KubeObject]) -> Iterator[Document]:
    """A Pod to send requests from at the prompt: `curl http://web --from pod/client`."""
    pods = [in_namespace(obj) for obj in objects if isinstance(obj, Pod)]
    if not any(f"{pod.namespace}/{pod.name}" == CLIENT_POD for pod in pods):
        yield made(client_pod(*CLIENT_POD.split("/")))


def _apps(path: str | None) -> tuple[AppSpec, ...]:
    return load(path).apps if path is not None else ()


def _duration(own: OwnCluster) -> float:
    if own.duration is None:
        return HEADLESS_S if own.headless else math.inf
    duration_s = parse_duration(own.duration)
    if duration_s <= 0:
        raise LabError(f"--for {own.duration}: must be longer than nothing")
    return duration_s


def _name(paths: Sequence[str]) -> str:
    """The folder's or file's own name, for titles."""
    path = Path(paths[0]).resolve() if paths[0] != "-" else Path("stdin")
    return path.name if path.is_dir() else path.stem
