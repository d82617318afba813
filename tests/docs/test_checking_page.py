"""The page on checking agents: the command prints what it shows."""

import re
import subprocess
import sys

import pytest

from docs.programs import ROOT, program

PAGE = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    whole = program(PAGE)
    (tmp_path / "bill.py").write_text(whole.partition("from jido_trio.testing")[0], encoding="utf-8")
    (tmp_path / "test_bill.py").write_text(whole, encoding="utf-8")
    return tmp_path


def said(folder, *words):
    """What the command prints."""
    command = [sys.executable, "-m", "jido_trio", "check", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120).stdout


@pytest.mark.parametrize("words", ["bill:Bill --law invariant", pytest.param("bill:FairBill", marks=pytest.mark.long)])
def test_the_command_prints_what_the_page_shows(folder, words):
    (block,) = [block for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if f"check {words}\n" in block]
    assert said(folder, *words.split()) == block.partition("\n")[2]


@pytest.mark.long
def test_the_order_of_the_set_is_found(folder):
    assert "BROKEN   deterministic" in said(folder, "bill:Bill", "--law", "deterministic")


@pytest.mark.long
def test_the_tests_on_the_page_pass(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bill.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert "5 passed" in done.stdout, done.stdout
