"""Files, folders, stdin and lists, as `kubectl apply -f` takes them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from lab.kube import manifest
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.errors import ManifestError

FOLDER = Path(os.environ.get("LAB_MANIFESTS", Path(__file__).parents[2] / ".." / "shared" / "manifests"))


def service(name, **more):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, **more}


def write(path, *objects):
    path.write_text("\n---\n".join(json.dumps(each) for each in objects))
    return path


def test_a_file_with_several_documents(tmp_path):
    found = manifest.load([write(tmp_path / "a.yaml", service("a"), service("b"))])
    assert [each.name for each in found.objects] == ["a", "b"]
    assert [place.line for place in found.sources] == [1, 3]
    assert str(found.sources[1]).endswith("a.yaml:3")


def test_a_folder_in_order_and_not_below_it(tmp_path):
    write(tmp_path / "b.yml", service("b"))
    write(tmp_path / "a.yaml", service("a"))
    write(tmp_path / "c.json", service("c"))
    write(tmp_path / "notes.txt", service("never"))
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "d.yaml", service("never"))
    assert [each.name for each in manifest.load([tmp_path]).objects] == ["a", "b", "c"]


def test_stdin(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("apiVersion: v1\nkind: Service\nmetadata: {name: piped}"))
    found = manifest.load(["-"])
    assert found.objects[0].name == "piped"
    assert str(found.sources[0]) == "stdin:1"


def test_paths_are_relative_to_a_base(tmp_path):
    write(tmp_path / "a.yaml", service("a"))
    found = manifest.load(["a.yaml"], base=tmp_path)
    assert str(found.sources[0]) == "a.yaml:1"


def test_inline_objects_and_lists():
    listed = {"apiVersion": "v1", "kind": "List", "items": [service("a"), service("b")]}
    nested = {"apiVersion": "v1", "kind": "ServiceList", "items": [listed]}
    found = manifest.load([service("c"), nested])
    assert [each.name for each in found.objects] == ["c", "a", "b"]
    assert str(found.sources[0]) == "inline"


@pytest.mark.parametrize(
    ("path", "message"),
    [("missing.yaml", "missing.yaml: no such file or folder"), ("empty", "empty: the folder has no manifest")],
)
def test_what_is_not_there(tmp_path, path, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match=message):
        manifest.load([path], base=tmp_path)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(ManifestError, match=r"a.yaml: this is not UTF-8 text"):
        manifest.load(["a.yaml"], base=tmp_path)


def test_the_faults_of_all_files_are_told_at_once(tmp_path):
    write(tmp_path / "a.yaml", {"kind": "Pod"})
    (tmp_path / "b.yaml").write_text("a: [")
    with pytest.raises(ManifestError) as error:
        manifest.load([tmp_path])
    assert len(error.value.problems) == 2


def test_what_is_kept_is_told_once_with_its_first_place():
    text = "\n---\n".join(json.dumps(service(name, spec={"futureField": 1})) for name in ("a", "b"))
    text += "\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x}\n"
    found = manifest.loads(text, "web.yaml")
    assert [(kept.what, kept.line) for kept in found.kept] == [("Service spec.futureField", 1), ("Ingress", 5)]
    assert str(found.kept[0]) == "Service spec.futureField: kept, not simulated"


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no manifests of others at {FOLDER} (set LAB_MANIFESTS)")
@pytest.mark.parametrize(
    "folder", sorted({each.parent for each in FOLDER.glob("*/*.yaml")}), ids=lambda path: path.name
)
def test_manifests_that_others_wrote_load_unchanged(folder):
    found = manifest.load([folder])
    assert found.objects
    for obj in found.objects:
        assert decode(encode(obj)) == obj
