"""Fingerprints: equal for equal values, and quick where values have their large parts in common."""

from jido_trio.data import _fingerprint, fingerprint


def test_large_parts_are_told_apart_and_known_again_by_what_is_in_them():
    paths = tuple(f"number-{number}.txt" for number in range(1000))
    again, other = tuple(map(str, list(paths))), (*paths[:-1], "another.txt")

    assert fingerprint(paths) == fingerprint(paths) == fingerprint(again) == fingerprint(list(paths))
    assert fingerprint(paths) != fingerprint(other)


def test_what_can_change_is_looked_at_each_time():
    parts = tuple([number] for number in range(1000))
    before = fingerprint(parts)
    parts[500].append(1)

    assert fingerprint(parts) != before


def test_a_large_part_that_many_values_have_in_common_is_gone_through_once(monkeypatch):
    paths = tuple(f"a path that nobody else has: {number}" for number in range(1000))
    asked: list[object] = []
    real = _fingerprint._part

    def part(value: object, room: int) -> bytes:
        asked.append(value)
        return real(value, room)

    monkeypatch.setattr(_fingerprint, "_part", part)
    prints = {fingerprint(given, paths) for given in range(20)}

    assert len(prints) == 20
    assert asked.count(paths[0]) == 1


def test_few_large_parts_are_remembered(monkeypatch):
    monkeypatch.setattr(_fingerprint, "_known", {})
    for number in range(100):
        fingerprint(tuple(range(number, number + 300)))

    assert 1 <= len(_fingerprint._known) <= 16
