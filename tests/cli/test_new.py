"""`jido-trio new` and `gen`: what they make passes its own check; what is in the way is said, and left as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jido_trio.cli import main

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
KINDS = ["agent", "action", "sensor", "plugin"]
LONG = "a_name_that_is_as_long_as_a_name_may_be"


@pytest.fixture(scope="module", autouse=True)
def types(tmp_path_factory):
    """What mypy knows of packages that are installed, for all projects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(*arguments):
    assert main(list(arguments)) == 0


def refused(capsys, *arguments):
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert main(list(arguments)) == 2
    assert before == {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    return capsys.readouterr().err


def done(project, *command, typed=None):
    """Run a command in a project whose package is found as if it were installed."""
    run = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=project,
        env=os.environ | {"PYTHONPATH": f"src{os.pathsep}{ROOT}"},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def obeys_its_check(project, *, tests=()):
    """Go through the steps of `./check`, in the environment of these tests."""
    done(project, "ruff", "format", "--check", ".")
    done(project, "ruff", "check", ".")
    done(project, "mypy", "--python-executable", sys.executable)
    if tests:
        done(project, Path(sys.executable).name, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


@pytest.mark.long
@pytest.mark.seconds(150)
def test_a_new_project_and_what_is_added_to_it_pass_its_own_check_in_an_environment_of_its_own(capfd):
    made("new", "my-app", "--example")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("my_app/tests")  # anywhere below the project
        for kind in KINDS:
            made("gen", kind, f"{kind}_of_mine")
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VENV"}}
    run = subprocess.run(
        ["bash", "./check"],
        cwd="my_app",
        env=environment | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "all checks passed" in run.stdout
    told = subprocess.run(
        [".venv/bin/python", "-m", "my_app"], cwd="my_app", capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[0] == "count: 5"
    assert told.stdout.splitlines()[-1] == "count: 2 in life 2"


@pytest.mark.seconds(90)
@pytest.mark.parametrize(
    "name", [pytest.param("shop", marks=pytest.mark.long), pytest.param(LONG, marks=pytest.mark.workshop)]
)
def test_a_project_to_which_agents_and_actions_are_added_is_clean_and_its_tests_pass(name, monkeypatch):
    made("new", name)
    monkeypatch.chdir(Path(name) / "tests")  # anywhere below the project
    for letter, kind in enumerate(KINDS):
        made("gen", kind, f"{kind}_of_mine" if name == "shop" else f"{'zbcd'[letter]}{LONG[1:30]}")
    monkeypatch.chdir(Path("../.."))
    obeys_its_check(Path(name), tests=["tests"] if name == "shop" else [])
    assert done(Path(name), Path(sys.executable).name, "-m", name, "b", "a", "b") == "b\na\n"
    assert "checkpoint" in done(Path(name), Path(sys.executable).name, "benchmarks/calls.py", "--quick")


@pytest.mark.long
@pytest.mark.seconds(90)
def test_a_project_with_a_support_agent_is_clean_its_tests_pass_and_it_asks_before_it_refunds():
    made("new", "desk", "--ai")
    obeys_its_check(Path("desk"), tests=["tests"])
    python = Path(sys.executable).name
    assert "checkpoint" in done(Path("desk"), python, "benchmarks/calls.py", "--quick")
    refused = done(Path("desk"), python, "-m", "desk", typed="n\n")
    assert refused.splitlines()[0] == 'approve refund {"order": "A-17", "cents": 1999} ? [y/n]'
    assert "jido-trio[testing]" in Path("desk/pyproject.toml").read_text().split("dependencies = ")[1].splitlines()[0]


def test_a_project_is_of_one_kind(capsys):
    assert "not allowed with" in refused(capsys, "new", "desk", "--ai", "--example")


def test_a_project_asks_for_the_package_from_where_this_one_was_installed():
    made("new", "shop")
    assert f"jido-trio @ {ROOT.as_uri()}" in Path("shop/pyproject.toml").read_text()


def test_nothing_of_the_templates_names_is_left():
    made("new", "shop")
    made("new", "office", "--example")
    made("new", "desk", "--ai")
    for text in (path.read_text() for path in Path().rglob("*") if path.is_file()):
        for name in ("my_app", "my-app", "a_thing", "AThing", "{jido"):
            assert name not in text


@pytest.mark.parametrize("name", ["Shop", "1st", "class", "a b", "", "../out", "_x", "x_", "x" * 41, "ünder"])
def test_what_is_no_name_is_refused_with_what_one_is(name, capsys):
    assert "a lower-case word, or several joined by _" in refused(capsys, "new", "--", name)
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["json", "trio", "jido-trio", "tests", "pytest"])
def test_a_name_that_would_hide_another_module_is_refused(name, capsys):
    assert f"would hide the module {name.replace('-', '_')}" in refused(capsys, "new", name)


def test_a_folder_that_holds_something_is_left_alone(capsys):
    Path("shop").mkdir()
    Path("shop/notes.txt").write_text("mine")
    assert "shop is there already" in refused(capsys, "new", "shop")


def test_a_file_in_the_way_is_named(capsys):
    Path("shop").write_text("mine")
    assert "shop is there already" in refused(capsys, "new", "shop")


def test_an_empty_folder_is_taken():
    Path("shop").mkdir()
    made("new", "shop")
    assert Path("shop/pyproject.toml").is_file()


def test_what_is_there_is_not_made_again(capsys, monkeypatch):
    made("new", "shop")
    monkeypatch.chdir("shop")
    made("gen", "agent", "desk")
    assert "desk.py is there already: nothing was written" in refused(capsys, "gen", "agent", "desk")


def test_of_two_files_one_in_the_way_is_enough_to_write_none(capsys, monkeypatch):
    made("new", "shop")
    monkeypatch.chdir("shop")
    Path("tests/test_desk.py").write_text("")
    assert "test_desk.py is there already" in refused(capsys, "gen", "agent", "desk")
    assert not Path("src/shop/desk.py").exists()


@pytest.mark.parametrize("kind", ["agent", "action", "sensor", "plugin"])
def test_what_would_be_called_as_something_else_in_its_files_is_refused(kind, capsys, monkeypatch):
    made("new", "shop")
    monkeypatch.chdir("shop")
    assert f"'result' is no name for {kind}: something else is called Result" in refused(capsys, "gen", kind, "result")


def test_outside_of_a_project_nothing_is_added(capsys):
    assert "jido-trio new NAME makes one" in refused(capsys, "gen", "agent", "desk")


def test_a_project_of_two_packages_is_asked_for_one(capsys):
    Path("pyproject.toml").write_text("")
    for name in ("first", "second"):
        Path(f"src/{name}").mkdir(parents=True)
        Path(f"src/{name}/__init__.py").touch()
    assert "must hold one package, to put it into; it holds first, second" in refused(capsys, "gen", "agent", "desk")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who may write anywhere can't be refused")
def test_a_folder_that_may_not_be_written_to_is_named(capsys):
    Path().chmod(0o500)
    try:
        assert "can't write" in refused(capsys, "new", "shop")
    finally:
        Path().chmod(0o700)
