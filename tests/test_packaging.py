"""What is built and installed: the wheel alone, without extras, and the sdist."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.workshop

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def ran(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command; it must not take a minute."""
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def built(source: Path, kind: str, folder: Path) -> Path:
    """Build the package as its build system does, and return the only file that comes of it."""
    build = ran(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=source)
    assert build.returncode == 0, build.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory):
    """Run Python where nothing but the wheel and what it depends on is installed."""
    folder = tmp_path_factory.mktemp("alone")
    python = folder / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    assert ran(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder).returncode == 0
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    install = ran(*pip, "install", "--quiet", wheel, cwd=folder)
    assert install.returncode == 0, install.stderr
    return lambda *arguments: ran(python, "-I", *arguments, cwd=folder)


def test_the_first_agent_runs_with_the_wheel_alone(alone):
    block = README.split("## The smallest agent", 1)[1].split("```python\n", 1)[1].split("```", 1)[0]
    assert (run := alone("-c", block)).returncode == 0, run.stderr


def test_every_part_but_those_with_an_extra_loads_with_the_wheel_alone(alone):
    program = """if True:
        import importlib, pkgutil, jido_trio
        apart = ("jido_trio.demo", "jido_trio.pytest_plugin", "jido_trio.testing", "jido_trio.cli._demo",
                 "jido_trio.cli._laws", "jido_trio.__main__", "jido_trio.storage.postgres",
                 "jido_trio.storage.encryption", "jido_trio.ai.openai",
                 "jido_trio.ai.anthropic", "jido_trio.ai.ollama", "jido_trio.ai.mcp")
        walk = pkgutil.walk_packages(jido_trio.__path__, "jido_trio.", onerror=lambda name: None)
        names = [found.name for found in walk if not found.name.startswith(apart) and "__main__" not in found.name]
        for name in names:
            importlib.import_module(name)
        print(len(names))
    """
    run = alone("-c", program)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 40


NEEDS = {
    "testing": "hypothesis",
    "demo": "chardet",
    "storage.postgres": "psycopg",
    "ai.openai": "openai",
    "ai.anthropic": "anthropic",
    "ai.ollama": "httpx2",
    "ai.mcp": "mcp",
    "storage.encryption": "cryptography",
}


@pytest.fixture(scope="module")
def complaints(alone):
    """What is raised where nothing but the wheel is installed and a part is imported, for each that has an extra."""
    program = """if True:
        import importlib, json, sys
        complaints = {}
        for part in sys.argv[1:]:
            try:
                importlib.import_module(f"jido_trio.{part}")
            except ImportError as error:
                complaints[part] = str(error)
        print(json.dumps(complaints))
    """
    run = alone("-c", program, *NEEDS)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(("part", "needs"), NEEDS.items())
def test_a_part_whose_extra_is_missing_says_what_to_install(complaints, part, needs):
    assert f"jido_trio.{part} needs {needs}" in complaints[part]
    assert f"pip install 'jido-trio[{part.rpartition('.')[2]}]'" in complaints[part]


@pytest.mark.parametrize("module", ["jido_trio", "jido_trio.cli"])
def test_the_command_says_so_as_a_line_and_no_traceback(alone, module):
    run = alone("-m", module, "demo")
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert "pip install 'jido-trio[demo]'" in run.stderr


def test_the_wheel_is_typed_has_the_samples_and_nothing_else_than_the_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"jido_trio/py.typed", "jido_trio/demo/samples/README.txt"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"jido_trio", next(n for n in names if "info" in n).split("/")[0]}


def test_the_sdist_makes_the_same_wheel_and_brings_its_tests(sdist, wheel, tmp_path):
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.11.4
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, **safely)
    (source,) = tmp_path.iterdir()
    again = built(source, "wheel", tmp_path / "again")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())
    for name in ("tests", "properties", "benchmarks", "docs", "README.md", "check", "conftest.py"):
        assert (source / name).exists(), name
