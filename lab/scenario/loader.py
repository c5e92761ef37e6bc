"""From a scenario file to a `Scenario`; every fault is named by file, line and key before anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lab.kube import manifest
from lab.kube.decode import Decoder, Kept
from lab.kube.errors import LabError, ManifestError, nearest
from lab.kube.meta import KubeObject
from lab.kube.yaml_tree import Node, parse_documents
from lab.scenario.clients import clients_of, pod_nodes
from lab.scenario.convert import Source, apps_of, cluster_of, lesson_of, timeline_of
from lab.scenario.decode import Reading
from lab.scenario.expectations import expectations_of
from lab.scenario.parties import with_parties
from lab.scenario.scenario import Scenario
from lab.scenario.schema import ScenarioEntry

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class ScenarioError(LabError):
    """A scenario cannot be played; `problems` has a line for each fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load(path: str | Path) -> Scenario:
    """Read a scenario file and the manifests that it names. Raises `LabError` with all faults."""
    file = Path(path)
    root = _document(_text(file), str(path))
    reading = Reading(str(path))
    entry = reading.struct(ScenarioEntry, root)
    if entry is None:
        raise ScenarioError(reading.problems)
    scenario = _scenario(entry, root, reading, file)
    if reading.problems:
        raise ScenarioError(reading.problems)
    return scenario


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioError([f"{file}: there is no such file"]) from None
    except IsADirectoryError:
        raise ScenarioError([f"{file}: this is a folder, not a scenario file"]) from None
    except UnicodeDecodeError:
        raise ScenarioError([f"{file}: this is not UTF-8 text"]) from None
    except OSError as error:
        raise ScenarioError([f"{file}: cannot be read: {error.strerror}"]) from None


def _document(text: str, file: str) -> Node:
    documents = list(parse_documents(text, file))
    if not documents:
        raise ScenarioError([f"{file}: the file is empty"])
    first = documents[0].value
    if isinstance(first, dict) and "apiVersion" in first and "kind" in first:
        raise ScenarioError([f"{file}: this is a manifest, not a scenario; run it with: lab run -f {file}"])
    if len(documents) > 1:
        raise ScenarioError([f"{file}:{documents[1].line}: expected one document, got {len(documents)}"])
    return documents[0]


def _scenario(entry: ScenarioEntry, root: Node, reading: Reading, file: Path) -> Scenario:
    source = Source(reading, root)
    if not _NAME.fullmatch(entry.name):
        source.problem("expected lower-case letters, digits and dashes", "name")
    if entry.duration <= 0:
        source.problem("the story must last longer than nothing", "duration")
    cluster = cluster_of(entry.cluster, source)
    for index, traffic in enumerate(entry.traffic):
        names = [node.name for node in cluster.nodes]
        if traffic.node and traffic.node not in names:
            source.problem(f'there is no node "{traffic.node}"{nearest(traffic.node, names)}', "traffic", index, "node")
    clients = clients_of(entry.traffic, source)
    objects, kept = _objects(entry, root, reading, file)
    return Scenario(
        name=entry.name,
        about=entry.about,
        file=str(file),
        folder=file.parent,
        seed=entry.seed,
        duration_s=entry.duration,
        cluster=cluster,
        objects=with_parties(objects, (client.source for client in clients), pod_nodes(entry.traffic, clients)),
        kept=kept,
        apps=apps_of(entry.apps, source),
        clients=clients,
        timeline=timeline_of(entry.timeline, entry.duration, source),
        lesson=lesson_of(entry.lesson, entry.duration, source),
        expectations=expectations_of(entry.expect, entry.duration, tuple(client.name for client in clients), source),
    )


def _objects(
    entry: ScenarioEntry, root: Node, reading: Reading, file: Path
) -> tuple[list[KubeObject], tuple[Kept, ...]]:
    """The objects of all manifests in the order of the file, and what of them is not simulated."""
    assert isinstance(root.value, dict)
    nodes = root.value["manifests"].value if entry.manifests else []
    assert isinstance(nodes, list)
    objects: list[KubeObject] = []
    kept: dict[str, Kept] = {}
    for index, (written, node) in enumerate(zip(entry.manifests, nodes, strict=True)):
        if isinstance(written, str):
            found, also_kept = _from_path(written, f"manifests[{index}]", node, reading, file.parent)
        else:
            found, also_kept = _inline(node, reading)
        objects += found
        kept = {**{each.what: each for each in also_kept}, **kept}
    return objects, tuple(kept.values())


def _from_path(
    written: str, path: str, node: Node, reading: Reading, folder: Path
) -> tuple[Sequence[KubeObject], Sequence[Kept]]:
    if not (folder / written).exists():
        reading.problem(node.line, path, f"{folder / written}: no such file or folder")
        return (), ()
    try:
        found = manifest.load([folder / written])
    except ManifestError as error:
        reading.problems.extend(error.problems)
        return (), ()
    return found.objects, found.kept


def _inline(node: Node, reading: Reading) -> tuple[Sequence[KubeObject], Sequence[Kept]]:
    decoder = Decoder(reading.file)
    found = decoder.object(node)
    reading.problems.extend(decoder.problems)
    return ((found,) if found is not None else ()), tuple(decoder.kept.values())
