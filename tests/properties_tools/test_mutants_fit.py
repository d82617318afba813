"""The mutants fit the sources, and are caught."""

import ast
import os
import re
import subprocess
import sys
from functools import partial

import pytest

from properties.mutants._catalogue import ACCEPTED, MUTANTS
from properties.mutants._checks import ROOT, Check, break_in, copy_of, judge, recorded
from properties.mutants._concerned import read_recording
from properties.mutants._law_mutants import LAWS
from properties.mutants._mutant import Mutant, Stale

pytestmark = pytest.mark.workshop

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_the_source_of_today_into_python(mutant):
    with mutant.changed(ROOT) as (path, tree):
        compile(tree, path, "exec")
    assert syntax(mutant.new) != syntax(mutant.old)


def syntax(text):
    """What is in a text, however it is laid out; a pattern too."""
    return ast.dump(ast.parse(f"match _:\n  {text}:\n    pass" if text.startswith("case ") else text))


def test_every_mutant_has_a_name_of_its_own_and_says_what_users_would_see():
    assert len(BY_NAME) == len(MUTANTS)
    assert [mutant.name for mutant in MUTANTS if not mutant.does.endswith(".")] == []


def test_who_may_survive_is_known_and_has_a_reason():
    assert {name for name, reason in ACCEPTED.items() if name not in BY_NAME or not reason} == set()


def test_each_fault_that_the_laws_must_find_is_told_of_in_the_docs():
    page = (ROOT / "docs" / "campaigns.md").read_text()
    told = re.findall(r"^\| [a-z ]+ \| (.+\.) \|$", page, re.MULTILINE)

    assert told == [mutant.does for mutant in LAWS]
    assert f"each of these {len(LAWS)} ways" in page
    assert len(LAWS) >= 40


@pytest.fixture
def project(tmp_path):
    """Write modules of a part of a package of its own; return the root."""
    return partial(write, tmp_path)


def write(root, **modules):
    part = root / "jido_trio" / "supervision"
    part.mkdir(parents=True)
    for name, source in modules.items():
        (part / f"{name}.py").write_text(source)
    return root


def mutant(within, old, new):
    return Mutant("some", "Does it.", within, old, new)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(): return 2", "its old code is 0 times in f of supervision, not once"),
        ("def f(x=1): return 1", "its old code is 2 times in f of supervision, not once"),
        ("def f(): return 2\nclass A:\n  def g(): return 1", "it is in A, A.g"),
        ("def ff(): return 1", "supervision defines no f; ff?"),
        ("", "supervision defines no f"),
    ],
)
def test_a_mutant_whose_place_is_not_there_once_is_stale_and_says_where_to_look(source, told, project):
    with pytest.raises(Stale, match="mutant 'some' is stale: ") as caught:
        mutant("f", "1", "2").applied(project(_a=source))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("source", "change", "broken"),
    [
        ("def f(a):  # why\n    return g(a,\n             1)", ("f", "g(a, 1)", "a"), "def f(a):\n    return a"),
        ("class A:\n    x: int = 1\n    def f(self): return 1", ("A.x", "1", "2"), "x: int = 2"),
        ("class A:\n    def f(self):\n        a()\n        b()", ("A.f", "a()\nb()", "b()"), "(self):\n        b()"),
        ("def f(a):\n  match a:\n    case [1, *_]: pass", ("f", "case [1, *_]", "case [2, *_]"), "case [2, *_]:"),
        ("LIMITS = {'a': 1}", ("LIMITS", "{'a': 1}", "{}"), "LIMITS = {}"),
        ("def f():\n    def g(): return 1\n    return g", ("f.g", "return 1", "return 2"), "return 2"),
    ],
)
def test_a_mutant_finds_its_place_by_definition_and_syntax(source, change, broken, project):
    path, text = mutant(*change).applied(project(_other="def unrelated(): return 1", _a=source))
    assert path.name == "_a.py"
    assert broken in text


def test_a_mutant_applied_twice_starts_from_the_sound_source_each_time(project):
    root = project(_a="def f(): return 1")
    assert mutant("f", "1", "2").applied(root) == mutant("f", "1", "2").applied(root)


def test_an_expression_can_not_become_a_statement(project):
    with pytest.raises(Stale, match="mutant 'some': expr can't become pass"):
        mutant("f", "g()", "pass").applied(project(_a="def f(): return g()"))


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


@pytest.mark.parametrize("name", ["temporary_kept", pytest.param("gives_up_one_early", marks=pytest.mark.long)])
def test_erlangs_recordings_catch_a_broken_rule_within_seconds(name):
    with copy_of() as copy:
        replay = Check("recordings", ("-m", "properties.mutants._replay"))
        break_in(copy, BY_NAME[name])
        assert "reducer" in str(replay.run(copy, 60))


TESTS = """
import jido_trio.supervision._a as a

def test_f(): assert a.f() == 1
def test_both(): assert a.f() + a.g() == 3
def test_g_slowly():
    time.sleep(0.2)
    assert a.g() == 2
def test_traces():
    sys.settrace(None)
    assert a.g() == 2
def test_elsewhere(): pass
"""
SOURCE = """
ONE = 1
def f():
    return ONE
def g():
    return 2
def h():
    return [
        3,
    ]
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Record the tests of a package of its own; return the recording, and the root."""
    root = write(tmp_path_factory.mktemp("recorded"), __init__="", _a=SOURCE)
    (root / "jido_trio" / "__init__.py").touch()
    (root / "test_a.py").write_text(f"import sys, time\n{TESTS}")
    ours = ("-p", "properties.mutants._plugin", "--record", "told.json", "-p", "no:cacheprovider", "-q")
    installed = ("-p", "no:jido_trio")  # it belongs to the package whose place this one takes
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}"}
    arguments = (sys.executable, "-m", "pytest", *ours, *installed, "--rootdir", str(root), "test_a.py")
    subprocess.run(arguments, check=True, cwd=root, env=environment, capture_output=True)
    return read_recording(root / "told.json"), root


@pytest.mark.parametrize(
    ("change", "tests"),
    [
        (("f", "ONE", "2"), ["both", "f", "elsewhere", "traces"]),
        (("g", "2", "3"), ["both", "g_slowly", "elsewhere", "traces"]),
        (("ONE", "1", "2"), ["both", "elsewhere", "f", "g_slowly", "traces"]),
        (("h", "3", "4"), ["elsewhere", "traces"]),
    ],
    ids=["a line", "another line", "an imported line", "a line nobody comes to"],
)
def test_a_mutant_concerns_the_tests_that_come_to_its_lines_and_those_that_nobody_can_see(change, tests, recording):
    told, root = recording
    concerned = [test.removeprefix("test_a.py::test_") for test in told.concerned(mutant(*change), root)]
    assert sorted(concerned) == sorted(tests)


def test_the_quickest_is_asked_first_and_last_who_can_not_be_seen(recording):
    told, root = recording
    concerned = told.concerned(mutant("g", "2", "3"), root)
    assert [test.removeprefix("test_a.py::test_") for test in concerned] == ["both", "g_slowly", "elsewhere", "traces"]


@pytest.fixture(scope="session")
def recordings():
    """Which tests concern which mutant; fails where they fail without any."""
    return {part: recorded(part) for part in {mutant.part for mutant in MUTANTS if not mutant.judges}}


@pytest.mark.long
@pytest.mark.parametrize("mutant", [mutant for mutant in MUTANTS if mutant.name not in ACCEPTED], ids=lambda m: m.name)
def test_a_mutant_is_caught(mutant, recordings):
    assert judge(mutant, None if mutant.judges else recordings[mutant.part]).caught_by is not None
