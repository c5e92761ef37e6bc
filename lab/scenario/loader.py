"""From a scenario file to a `Scenario`; every fault is named by file, line and key before anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab.cluster.review.api import refusals
from lab.cluster.review.errors import errors_in
from lab.kube.documents import Documents, documents_in, read_documents
from lab.kube.errors import nearest
from lab.kube.meta import KubeObject
from lab.kube.yaml_tree import Node
from lab.scenario.clients import clients_of, pod_nodes
from lab.scenario.convert import Source, apps_of, cluster_of
from lab.scenario.decode import Reading
from lab.scenario.expectations import expectations_of
from lab.scenario.layers import ScenarioError, read_file, variants_of, with_variant
from lab.scenario.measurable import check_names, check_windows
from lab.scenario.origins import made_pods
from lab.scenario.parties import client_pod, with_parties
from lab.scenario.patches import patched
from lab.scenario.places import check_places
from lab.scenario.scenario import Scenario
from lab.scenario.schema import ScenarioEntry
from lab.scenario.story import experiment_of, kata_of, lesson_of, timeline_of
from lab.scenario.variables import filled, with_values
from lab.settings import Settings

LONGEST_S = 30 * 86400.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def load(path: str | Path, *, variant: str = "", values: Sequence[str] = ()) -> Scenario:
    """Read a scenario file and the manifests that it names; of its variants the one named, else the first.

    `values` are `NAME=VALUE` of its variables. Raises `LabError` with all faults, also those of other variants.
    """
    root = with_values(read_file(path), values)
    names = list(variants_of(root)) or [""]
    if variant and variant not in names:
        with_variant(root, variant)  # says which there are
    return _load_each(root, names, Path(path))[variant or names[0]]


def load_all(path: str | Path, *, values: Sequence[str] = ()) -> list[Scenario]:
    """Every variant of a scenario file, in its order; a file without variants is one scenario. Raises `LabError`."""
    root = with_values(read_file(path), values)
    return list(_load_each(root, list(variants_of(root)) or [""], Path(path)).values())


def _load_each(root: Node, variants: Sequence[str], file: Path) -> dict[str, Scenario]:
    """The scenario in each variant; what is wrong with several of them is told once."""
    found: dict[str, Scenario] = {}
    problems: list[str] = []
    for variant in variants:
        try:
            found[variant] = _load(root, variant, file)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))
    return found


def _load(root: Node, variant: str, file: Path) -> Scenario:
    tree = filled(with_variant(root, variant))
    reading = Reading(str(file))
    entry = reading.struct(ScenarioEntry, tree)
    if entry is None:
        raise ScenarioError(reading.problems)
    scenario = _scenario(entry, tree, reading, file)
    if reading.problems:
        raise ScenarioError(reading.problems)
    return replace(scenario, variant=variant, variants=tuple(variants_of(root)))


def _scenario(entry: ScenarioEntry, root: Node, reading: Reading, file: Path) -> Scenario:
    source = Source(reading, root)
    if not _NAME.fullmatch(entry.name):
        source.problem("expected lower-case letters, digits and dashes", "name")
    if not 0 < entry.duration <= LONGEST_S:
        source.problem("the story must last longer than nothing, and at most 30 days", "duration")
    cluster = cluster_of(entry.cluster, source)
    for index, traffic in enumerate(entry.traffic):
        names = [node.name for node in cluster.nodes]
        if traffic.node and traffic.node not in names:
            source.problem(f'there is no node "{traffic.node}"{nearest(traffic.node, names)}', "traffic", index, "node")
    check_places(entry, cluster, source)
    clients = clients_of(entry.traffic, source, file.parent)
    groups = tuple(client.name for client in clients)
    known = len(reading.problems)
    documents = _documents(entry, root, reading)
    made: list[str] = []
    if len(reading.problems) == known and documents.complete:  # who is missing is told when all else was understood
        nodes = [node.name for node in cluster.nodes]
        files = partial(_objects_in, file.parent)
        made = made_pods(entry, clients, nodes, documents.objects, files, source)
        pods = [client_pod(*pod.split("/")[1:]) for pod in made]
        check_names(entry, [*documents.objects, *pods], nodes, files, source)
    check_windows(entry, clients, source)
    parties = with_parties(documents.found, made, pod_nodes(entry.traffic, clients))
    _refuse(Documents(parties, documents.unreadable), cluster.settings, reading)
    return Scenario(
        name=entry.name,
        about=entry.about,
        file=str(file),
        folder=file.parent,
        seed=entry.seed,
        duration_s=entry.duration,
        cluster=cluster,
        documents=parties,
        apps=apps_of(entry.apps, source),
        clients=clients,
        made=tuple(made),
        timeline=timeline_of(entry.timeline, entry.duration, groups, source),
        lesson=lesson_of(entry.lesson, entry.duration, source),
        expectations=expectations_of(entry.expect, entry.duration, groups, source),
        experiment=experiment_of(entry, groups, source),
        kata=kata_of(entry, groups, source),
    )


def _documents(entry: ScenarioEntry, root: Node, reading: Reading) -> Documents:
    """What all manifests hold in the order of the file, with the patches in it."""
    nodes = _items(root, "manifests") if entry.manifests else []
    found = Documents()
    for index, (written, node) in enumerate(zip(entry.manifests, nodes, strict=True)):
        if isinstance(written, str):
            found += _from_path(written, f"manifests[{index}]", node, reading)
        else:
            found += documents_in(node, node.file or reading.file)
    return replace(found, found=tuple(patched(found.found, _items(root, "patches"), reading)))


def _refuse(documents: Documents, settings: Settings, reading: Reading) -> None:
    """Note everything for which the API server of such a cluster would refuse the manifests."""
    found = errors_in(documents, partial(refusals, settings=settings))
    reading.problems.extend(each.told for each in found)


def _objects_in(folder: Path, path: str) -> Sequence[KubeObject]:
    return read_documents([path], folder).objects


def _items(root: Node, key: str) -> list[Node]:
    node = root.value.get(key) if isinstance(root.value, dict) else None
    return node.value if node is not None and isinstance(node.value, list) else []


def _from_path(written: str, path: str, node: Node, reading: Reading) -> Documents:
    """What a file or folder holds beside the file that names it."""
    folder = Path(node.file).parent
    if not (folder / written).exists():
        reading.problem(node, path, f"{folder / written}: no such file or folder")
        return Documents()
    return read_documents([folder / written])
