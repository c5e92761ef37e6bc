import pytest

from lab.kube.errors import LabError
from lab.sweep.plan import plan, setting_of

TEXT = "name: x\nduration: 2s\nvars: {a: 1, b: 1}\nabout: ${a} ${b}\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(TEXT)
    return str(path)


def test_every_combination_of_settings_is_played_with_every_seed(file):
    made = plan(file, seeds=2, first_seed=7, settings=["a=2,4", "b=x,y"])
    assert [(case.values, case.seed) for case in made.cases] == [
        (values, seed) for values in (("a=2", "b=x"), ("a=2", "b=y"), ("a=4", "b=x"), ("a=4", "b=y")) for seed in (7, 8)
    ]


def test_every_variant_is_played_or_the_one_that_is_asked_for(tmp_path):
    path = tmp_path / "v.yaml"
    path.write_text(TEXT + "variants: {broken: {}, fixed: {}}\n")
    assert [case.variant for case in plan(str(path), seeds=1).cases] == ["broken", "fixed"]
    assert [case.variant for case in plan(str(path), seeds=2, variant="fixed").cases] == ["fixed", "fixed"]
    with pytest.raises(LabError, match='there is no variant "fixt"; there are broken, fixed'):
        plan(str(path), seeds=1, variant="fixt")


@pytest.mark.parametrize("text", ["a", "=3", "a=", "a=,"])
def test_a_setting_that_says_nothing_is_refused(text):
    with pytest.raises(LabError, match="expected NAME=VALUE,VALUE"):
        setting_of(text)


def test_a_setting_that_the_file_does_not_have_is_refused_before_anything_runs(file):
    with pytest.raises(LabError, match='there is no variable "c"'):
        plan(file, seeds=1, settings=["c=1"])


@pytest.mark.parametrize("seeds", [0, 10_000_000])
def test_a_sweep_of_no_or_too_many_runs_is_refused(file, seeds):
    with pytest.raises(LabError):
        plan(file, seeds=seeds)
