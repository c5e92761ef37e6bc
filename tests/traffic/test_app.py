"""What an image does, found by globs; and how long it takes."""

from __future__ import annotations

import random

import pytest

from lab.traffic.app import DEFAULT_APP, AppSpec, AppTable, Distribution
from lab.traffic.known_images import KNOWN_IMAGES


@pytest.mark.parametrize(
    ("glob", "image"),
    [
        ("shop/web:*", "shop/web"),
        ("shop/web", "registry.example.com:5000/shop/web:v2"),
        ("redis", "redis:7-alpine"),
        ("redis", "docker.io/library/redis@sha256:0123"),
        ("*/gb-frontend*", "gcr.io/google-samples/gb-frontend:v5"),
        ("web", "ghcr.io/shop/web:1"),
    ],
)
def test_a_glob_means_the_image_with_or_without_registry_and_tag(glob: str, image: str) -> None:
    assert AppSpec(image=glob).matches(image)


@pytest.mark.parametrize(("glob", "image"), [("redis", "shop/redis-proxy"), ("shop/web:v1", "shop/web:v2")])
def test_a_glob_means_no_other_image(glob: str, image: str) -> None:
    assert not AppSpec(image=glob).matches(image)


def test_the_scenarios_own_apps_come_before_the_well_known_ones() -> None:
    own = AppSpec(image="redis*", workers=1)
    table = AppTable((own,), KNOWN_IMAGES)
    assert table.find("redis:7") is own
    assert table.find("weaveworksdemos/orders:0.4.7").usual_calls[0] == "http://payment"
    assert table.find("weaveworksdemos/orders-db:1").calls == ()
    assert table.find("somebody/something") is DEFAULT_APP


@pytest.mark.parametrize(
    "distribution",
    [Distribution.constant(0.02), Distribution.exponential(0.02), Distribution.lognormal(0.01, 0.05)],
)
def test_samples_have_the_mean_that_the_distribution_states(distribution: Distribution) -> None:
    draw = distribution.sampler(random.Random(1))
    mean_s = sum(draw() for _ in range(20_000)) / 20_000
    assert mean_s == pytest.approx(distribution.mean_s, rel=0.05)


def test_a_lognormal_keeps_the_percentiles_that_it_was_fitted_from() -> None:
    draw = Distribution.lognormal(0.01, 0.06).sampler(random.Random(1))
    samples = sorted(draw() for _ in range(50_000))
    assert samples[25_000] == pytest.approx(0.01, rel=0.03)
    assert samples[49_500] == pytest.approx(0.06, rel=0.06)
