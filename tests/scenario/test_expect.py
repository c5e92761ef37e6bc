import pytest

from lab.kube.errors import LabError
from lab.scenario.expect import METRICS, parse


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_shown_by_an_example_that_parses(metric):
    assert parse(metric.example).metric is metric


@pytest.mark.parametrize(
    ("text", "filter_word", "subject", "operator", "value"),
    [
        ("success >= 99.5%", "", "", ">=", 0.995),
        ("success >= 0.99", "", "", ">=", 0.99),
        ("errors==0", "", "", "==", 0),
        ("p99 <= 50ms", "", "", "<=", 0.05),
        ("outcome timeout < 3", "timeout", "", "<", 3),
        ("drops no-endpoints > 0", "no-endpoints", "", ">", 0),
        ("pods ready web == 5", "ready", "web", "==", 5),
        ("pods shop/web != 0", "", "shop/web", "!=", 0),
        ("nodes ready == 3", "ready", "", "==", 3),
        ("external-ip web == pending", "", "web", "==", "pending"),
        ("rps >= 300/m", "", "", ">=", 5),
    ],
)
def test_an_expectation_is_understood(text, filter_word, subject, operator, value):
    understood = parse(text)
    assert (understood.filter, understood.subject, understood.operator) == (filter_word, subject, operator)
    assert understood.value == pytest.approx(value) if isinstance(value, float) else understood.value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sucess >= 99%", 'there is no metric "sucess", did you mean "success"?'),
        ("success", "success followed by one of"),
        ("success => 99%", "success followed by one of"),
        ("success >= 99", "success is a share"),
        ("p99 <= soon", '"soon" is not a duration'),
        ("pods redy web == 5", 'did you mean "ready"?'),
        ("outcome timout == 0", 'did you mean "timeout"?'),
        ("endpoints == 2", "endpoints needs a name"),
        ("requests == many", "expected a whole number"),
        ("external-ip web >= 10.0.0.1", "is a text"),
        ("", "expected METRIC OPERATOR VALUE"),
    ],
)
def test_a_wrong_word_is_named_with_the_nearest(text, message):
    with pytest.raises(LabError) as error:
        parse(text)
    assert message in str(error.value)


def test_a_count_of_errors_may_also_be_a_share():
    assert parse("errors <= 1%").share
    assert not parse("errors <= 1").share


def test_what_was_measured_is_shown_in_the_words_of_the_expectation():
    assert parse("success >= 99%").show(0.98765) == "98.77%"
    assert parse("p99 <= 50ms").show(0.0123) == "12 ms"
    assert parse("pods == 5").show(4.0) == "4"
    assert parse("external-ip web == pending").show("") == "none"
