"""The mutants fit the sources, and are caught."""

import pytest

from properties.mutants._catalogue import ACCEPTED, MUTANTS
from properties.mutants._checks import ROOT, Check, copy_of, judge, measured
from properties.mutants._mutant import Mutant, Stale

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_the_source_of_today_into_python(mutant):
    source = (ROOT / mutant.path).read_text(encoding="utf-8")
    broken = mutant.applied(source)
    assert broken != source
    compile(broken, mutant.module, "exec")


def test_every_mutant_has_a_name_of_its_own_and_says_what_users_would_see():
    assert len(BY_NAME) == len(MUTANTS)
    assert [mutant.name for mutant in MUTANTS if not mutant.does.endswith(".")] == []


def test_who_may_survive_is_known_and_has_a_reason():
    assert {name for name, reason in ACCEPTED.items() if name not in BY_NAME or not reason} == set()


@pytest.mark.parametrize(("source", "count"), [("x = 2", 0), ("x = 1\nx = 1", 2)])
def test_a_mutant_whose_line_is_not_there_once_is_stale(source, count):
    with pytest.raises(Stale, match=f"mutant 'some' is stale: its old text is {count} times in .*_decide.py"):
        Mutant("some", "Does it.", "_decide.py", "x = 1", "x = 2").applied(source)


@pytest.mark.parametrize(
    ("then", "failed"),
    [
        ("", None),
        ("print('FAILED a.py::test_x[1] - no'); exit(1)", "a.py::test_x[1]"),
        ("print('reducer s000001'); exit(1)", "reducer s000001"),
        ("time.sleep(60)", "hang in a.py::test_x[1]"),
    ],
)
def test_a_check_names_what_failed_or_hangs(then, failed, tmp_path):
    program = f"import time; print('a.py::test_x[1]', flush=True); {then}"
    assert Check("some", ("-c", program)).run(tmp_path, 3) == failed


@pytest.mark.parametrize("name", ["temporary_kept", "gives_up_one_early"])
def test_erlangs_recordings_catch_a_broken_rule_within_seconds(name):
    with copy_of() as copy:
        replay = Check("recordings", ("-m", "properties.mutants._replay"))
        mutant = BY_NAME[name]
        path = copy / mutant.path
        path.write_text(mutant.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
        assert "reducer" in str(replay.run(copy, 60))


@pytest.fixture(scope="session")
def limits():
    """How long the checks may take; fails where they fail without any mutant."""
    return measured()


@pytest.mark.long
@pytest.mark.parametrize("mutant", [mutant for mutant in MUTANTS if mutant.name not in ACCEPTED], ids=lambda m: m.name)
def test_a_mutant_is_caught(mutant, limits):
    assert judge(mutant, limits).caught_by is not None
