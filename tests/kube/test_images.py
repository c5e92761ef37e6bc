"""Which image references there can be."""

from __future__ import annotations

import pytest

from lab.kube.images import image_fault, reference


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        "shop/web:1",
        "registry.k8s.io/coredns/coredns:v1.12.0",
        "localhost:5000/a/b_c/d--e:x",
        "[2001:db8::1]:5000/web",
        "quay.io/a/b@sha256:" + "0" * 64,
        "a:tag@sha256:" + "0" * 64,
        "MyHost/web",
    ],
)
def test_what_is_a_reference(image: str) -> None:
    assert image_fault(image) == ""


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("", "invalid reference format"),
        (" ", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("a:", "invalid reference format"),
        ("a:b:c", "invalid reference format"),
        ("http://a/b", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("web@sha256:12", "invalid reference format"),
        ("a\n", "invalid reference format"),
        ("Web", "invalid reference format: repository name (Web) must be lowercase"),
        ("host/Shop/Web:1", "invalid reference format: repository name (host/Shop/Web) must be lowercase"),
        ("a/" * 130 + "a", "repository name must not be more than 255 characters"),
    ],
)
def test_what_is_none(image: str, fault: str) -> None:
    assert image_fault(image) == fault


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("shop/web:2", "docker.io/shop/web:2"),
        ("ghcr.io/shop/web", "ghcr.io/shop/web:latest"),
        ("localhost:5000/web:1", "localhost:5000/web:1"),
        ("nginx:1@sha256:" + "0" * 64, "docker.io/library/nginx@sha256:" + "0" * 64),
    ],
)
def test_a_reference_in_full(image: str, full: str) -> None:
    assert reference(image).full == full
