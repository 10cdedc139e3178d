"""What a package says of itself in several files is the same in all, and true."""

import re
import tomllib
from pathlib import Path

import pytest

import taylor

ROOT = Path(__file__).parent.parent
HOME = "https://github.com/taylor-arithmetic/taylor-arithmetic"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLASSIFIERS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
ADDRESS = re.compile(r"https://github\.com/taylor-arithmetic/[^\s)\"'>,\]]*")
TEXTS = [
    *ROOT.glob("*.md"), *ROOT.glob("*.cff"), *ROOT.glob("*.toml"), *ROOT.glob(".github/**/*.*"),
    *ROOT.glob("recipe/*"),
]  # fmt: skip


def text(name):
    return (ROOT / name).read_text()


def test_there_is_one_version():
    assert PROJECT["dynamic"] == ["version"]
    assert f"\nversion: {taylor.__version__}\n" in text("CITATION.cff")
    assert f'version = "{taylor.__version__}"' in text("recipe/meta.yaml")
    assert f"version = {{{taylor.__version__}}}" in text("docs/start/install.md")
    first = re.search(r"^## \[(.*?)\]", text("CHANGELOG.md"), re.M)
    assert first[1] == taylor.__version__


def test_the_recipe_needs_what_the_package_needs():
    run = text("recipe/meta.yaml").partition("  run:\n")[2].partition("\n\n")[0]
    needed = [f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]]
    assert re.findall(r"- (.*)", run) == [re.sub("(>=)", r" \1", n) for n in needed]


def test_pythons_are_those_that_the_page_and_the_workflow_try():
    page, workflow = text("docs/versions.md"), text(".github/workflows/ci.yml")
    assert f">={CLASSIFIERS[0]}" == PROJECT["requires-python"]
    for python in CLASSIFIERS:
        assert python in page and f'"{python}"' in workflow


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_addresses_of_the_project_lead_to_what_is_there(path):
    for where in ADDRESS.findall(path.read_text()):
        assert where.startswith(HOME)
        kind, _, rest = where.removeprefix(HOME).strip("/").partition("/main/")
        assert not rest or (kind in ("blob", "tree") and (ROOT / rest).exists())


def test_links_of_the_readme_are_absolute_and_defined():
    readme = text("README.md")
    assert not re.search(r"\]\((?!https://)", readme)
    prose = re.sub(r"```.*?```", "", readme, flags=re.S)
    used = set(re.findall(r"\]\[(\w+)\]", prose))
    assert used == set(re.findall(r"^\[(\w+)\]: https://", readme, re.M))


def test_versions_are_shown(capsys):
    taylor.show_versions()
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["taylor-arithmetic"] == taylor.__version__
    names = [re.match(r"[\w-]+", d)[0] for d in PROJECT["dependencies"]]
    assert all(shown[name] != "not installed" for name in names)
