import pytest

from properties.otp._canonical import canonical, differences
from properties.otp._codec import BadLine, read_recordings, read_scenarios, recording_line
from properties.otp._oracle import run
from properties.otp._planted import BROAD, DEEP, EDGES, SLOW_STARTS, recordings
from properties.otp._trace import Event

pytestmark = pytest.mark.workshop


@pytest.mark.parametrize(
    ("path", "count"),
    [(BROAD, 1200), (DEEP, 573), (EDGES, 44), (SLOW_STARTS, 400)],
    ids=["broad", "deep", "edges", "slow_starts"],
)
def test_every_line_is_a_recording_in_the_form_that_we_write(path, count):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [recording_line(recording) for recording in read_recordings(path)] == lines
    assert len(lines) == count


def test_every_trace_is_canonical_and_belongs_to_its_scenario():
    for recording in recordings():
        assert recording.trace == canonical(recording.scenario, recording.trace)
        assert recording.trace.id == recording.scenario.id


def test_every_id_is_given_once():
    ids = [recording.scenario.id for recording in recordings()]
    assert len(ids) == len(set(ids))


def test_the_root_is_started_first_wherever_something_happened():
    assert {recording.trace.steps[0].events[0] for recording in recordings()} == {Event("start", "root", 1)}


def test_erlang_still_does_what_was_recorded(erl):
    sample = recordings()[::58]
    traces = run(recording.scenario for recording in sample)
    disagree = [
        recording.scenario.id
        for recording, trace in zip(sample, traces, strict=True)
        if differences(recording.scenario, recording.trace, trace)
    ]
    assert (len(sample), disagree) == (39, [])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", r"line 2: not JSON"),
        ("[]", r"line 2: list instead of an object"),
        ('{"id":"x","steps":[],"final":{"root":"alive"}}', r"line 2: a bare trace; put it beside its scenario"),
        ('{"id":"x","tree":{},"steps":[]}', r"line 2: a bare scenario; .* run FILE"),
        ('{"some":1}', r"line 2: an object of some"),
        ('{"scenario":{"id":"x"},"trace":{}}', r"line 2: .*required field missing @ recording.scenario.tags"),
    ],
)
def test_a_line_that_is_no_recording_is_refused_by_its_number(tmp_path, line, complaint):
    path = tmp_path / "some.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(BadLine, match=complaint):
        list(read_recordings(path))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"op":"crash"', '"op":"explode"', r"op is 'explode' instead of one of advance, batch, count_children"),
        ('"period":2', '"period":"2"', r"'2' is none of int, NoneType @ recording.scenario.tree.period"),
        ('"period":2', '"periods":2', r"extra fields found \(periods\) @ recording.scenario.tree"),
        ('["start","root",1]', '["start","root"]', r"has not 3 or 4 parts: what, path, n, exit_class"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_its_path(tmp_path, old, new, complaint):
    line = BROAD.read_text(encoding="utf-8").splitlines()[0]
    assert old in line
    path = tmp_path / "some.jsonl"
    path.write_text(line.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadLine, match=complaint):
        list(read_recordings(path))


def test_scenarios_are_read_from_recordings_too_but_not_from_traces(tmp_path):
    assert next(read_scenarios(BROAD)) == next(read_recordings(BROAD)).scenario
    path = tmp_path / "traces.jsonl"
    path.write_text('{"id":"x","steps":[],"final":{"root":"alive"}}', encoding="utf-8")
    with pytest.raises(BadLine, match="line 1: a bare trace"):
        list(read_scenarios(path))
