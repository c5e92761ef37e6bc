"""A scenario file as one tree: what it extends lies below it, a variant and `--set` above it.

Every layer is a partial scenario and is laid over the one below in the same way: mappings are merged key by key,
anything else takes the place of what it covers, `KEY+` appends to a list, and null takes a key away. Each value
remembers the file and line that it came from, so that a fault is told where it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.kube.errors import LabError, nearest
from lab.kube.yaml_tree import Node, parse_documents

EXTENDS, VARIANTS, BASE = "extends", "variants", "base"
MOST_LAYERS = 20
_APPEND = "+"


class ScenarioError(LabError):
    """A scenario cannot be played; `problems` has a line for each fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


# -- files --------------------------------------------------------------------------------------------------------


def read_file(path: str | Path) -> Node:
    """A scenario file with everything that it extends below it. Raises `ScenarioError`, or `ManifestError` for what
    is no YAML."""
    return _read(Path(path), ())


def _read(file: Path, above: tuple[Path, ...]) -> Node:
    root = _document(_text(file), str(file))
    if not isinstance(root.value, dict) or EXTENDS not in root.value:
        return root
    said = root.value.pop(EXTENDS)
    if not isinstance(said.value, str) or not said.value:
        raise fault_at(said, EXTENDS, "expected the path of a scenario file")
    base, seen = file.parent / said.value, (*above, file.resolve())
    if base.resolve() in seen:
        circle = " -> ".join([*(path.name for path in seen), base.name])
        raise fault_at(said, EXTENDS, f"goes in a circle: {circle}")
    if len(seen) >= MOST_LAYERS:
        raise fault_at(said, EXTENDS, f"more than {MOST_LAYERS} files extend one another")
    if not base.is_file():
        raise fault_at(said, EXTENDS, f"{base}: there is no such file")
    return overlay(_read(base, seen), root)


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


def fault_at(node: Node, path: str, message: str) -> ScenarioError:
    """One fault, at the file and line of a value."""
    place = f"{node.file}:{node.line}" if node.line else node.file
    return ScenarioError([f"{place}: {path}: {message}"])


# -- laying one over the other ------------------------------------------------------------------------------------


def overlay(below: Node, above: Node, path: str = "") -> Node:
    """`below` with what `above` says differently; neither is changed. Raises `ScenarioError`."""
    if not isinstance(above.value, dict):
        return above
    covered = below.value if isinstance(below.value, dict) else {}
    merged = dict(covered)
    for key, node in above.value.items():
        name = key.removesuffix(_APPEND)
        there = covered.get(name)
        inside = f"{path}.{name}" if path else name
        if key != name and (there is None or isinstance(there.value, list)) and isinstance(node.value, list):
            merged[name] = Node([*_items(there), *node.value], node.line, node.file)
        elif key != name:
            raise fault_at(node, f"{path}.{key}" if path else key, f"only a list can be appended to the list {inside}")
        else:
            merged[name] = overlay(there or Node({}, node.line, node.file), node, inside)
    return Node(merged, above.line if not covered else below.line, above.file if not covered else below.file)


def _items(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


# -- variants -----------------------------------------------------------------------------------------------------


def variants_of(root: Node) -> dict[str, Node]:
    """The variants that a file names, in its order; empty for a file without any. Raises `ScenarioError`."""
    node = root.value.get(VARIANTS) if isinstance(root.value, dict) else None
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        raise fault_at(node, VARIANTS, "expected a mapping from names to what is different in each")
    for name, body in node.value.items():
        if body.value is not None and not isinstance(body.value, dict):
            raise fault_at(body, f"{VARIANTS}.{name}", "expected a mapping of what is different")
        for key in ("name", EXTENDS, VARIANTS):
            if isinstance(body.value, dict) and key in body.value:
                raise fault_at(body.value[key], f"{VARIANTS}.{name}.{key}", "cannot differ between variants")
    return node.value


def with_variant(root: Node, name: str) -> Node:
    """The scenario with one variant laid over it, or none for an empty name. Raises `ScenarioError`."""
    variants = variants_of(root)
    if name and name not in variants:
        hint = nearest(name, variants) or f"; there are {', '.join(variants) or 'none'}"
        raise ScenarioError([f'{root.file}: there is no variant "{name}"{hint}'])
    body = root.value
    tree = (
        Node({k: v for k, v in body.items() if k != VARIANTS}, root.line, root.file) if isinstance(body, dict) else root
    )
    for layer in _with_bases(name, variants) if name else ():
        tree = overlay(tree, layer)
    return tree


def _with_bases(name: str, variants: Mapping[str, Node]) -> list[Node]:
    """The layers of a variant, those that it is based on first, each without its `base`."""
    layers: list[Node] = []
    seen: list[str] = []
    while name:
        seen.append(name)
        body = variants[name]
        said = dict(body.value) if isinstance(body.value, dict) else {}
        base = said.pop(BASE, None)
        layers.insert(0, Node(said, body.line, body.file))
        where = f"{VARIANTS}.{name}.{BASE}"
        name = ""
        if base is not None:
            name = base.value if isinstance(base.value, str) else ""
            if name not in variants:
                raise fault_at(base, where, f'there is no variant "{base.value}"{nearest(str(base.value), variants)}')
            if name in seen:
                raise fault_at(base, where, f"goes in a circle: {' -> '.join([*seen, name])}")
    return layers
