"""The cache on disk: it keeps to its own files, and executes only what this user wrote."""

import errno
import hashlib
import os
import stat
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from shared import together

import taylor
from taylor import ode
from taylor.__main__ import main
from taylor.core.table import TABLE
from taylor.llvm import jit, store
from taylor.machine import engine
from taylor.verified.interval import Interval

NAME, OTHER = "a" * 64, "b" * 64
CODE = bytes(range(256)) * 8


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return the folder of objects of a cache of its own."""
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    store._warn.cache_clear()
    return tmp_path / store.FOLDER


@pytest.fixture
def kept(place):
    """Return the file of an object that was saved."""
    store.save(NAME, [1, "two"], CODE)
    return place / f"{NAME}.object"


posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes of POSIX")
root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away"
)


def test_what_is_saved_is_loaded_from_files_closed_to_others(kept):
    assert store.load(NAME) == ([1, "two"], CODE)
    assert store.load(OTHER) is None and store.load(None) is None
    assert [f.name for f in kept.parent.iterdir()] == [kept.name]
    if hasattr(os, "getuid"):
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_an_empty_name_switches_it_off(monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", "")
    store.save(NAME, [], CODE)
    assert store.folder() is None and store.load(NAME) is None and store.clear() == 0


# ------------------------------------------------------------------ its own files only
def foreign(place):
    """Put files that the cache did not write into its folder, and return what they hold."""
    files = {f"note {i}.txt": b"mine" for i in range(30)}
    files |= {NAME: b"no suffix", f"{NAME}.txt": b"", "x.object": b"", "A" * 64 + ".object": b""}
    for name, text in files.items():
        (place / name).write_bytes(text)
    (place / ("c" * 64 + ".object")).mkdir()
    (place / ("d" * 64 + ".object")).symlink_to(place / "note 1.txt")
    return files


def test_trimming_and_clearing_touch_only_what_was_written_here(kept, monkeypatch, capsys):
    (kept.parent.parent / "thesis.tex").write_text("years of work")
    files = foreign(kept.parent)
    (kept.parent / "new-abcdefgh.part").write_bytes(b"of a process that was killed")
    monkeypatch.setattr(store, "KEPT", 8)
    for i in range(40):
        store.save(f"{i:064x}", [i], b"code")
    assert len(list(store._own(kept.parent))) <= 8
    assert store.load(f"{39:064x}") == ([39], b"code")
    assert main(["--clear-cache"]) == 0
    assert str(kept.parent) in capsys.readouterr().out
    left = {name: (kept.parent / name).read_bytes() for name in files}
    assert left == files
    assert len(list(kept.parent.iterdir())) == len(files) + 2
    assert (kept.parent.parent / "thesis.tex").read_text() == "years of work"


def test_trimming_looks_at_so_many_entries_at_most(place, monkeypatch):
    store.save(NAME, [], CODE)
    monkeypatch.setattr(store, "SEEN", 10)
    monkeypatch.setattr(store, "KEPT", 10)  # of so few each one is counted
    seen, real = [], store.OWN

    class Counted:
        def fullmatch(self, name):
            seen.append(name)
            return real.fullmatch(name)

    monkeypatch.setattr(store, "OWN", Counted())
    foreign(place)
    store.save(OTHER, [], CODE)
    assert len(seen) == 10


def test_the_command_says_where_and_how_many(kept, capsys, monkeypatch):
    assert main(["--clear-cache"]) == 0
    assert capsys.readouterr().out == f"removed 1 object from {kept.parent}\n"
    assert not kept.exists()
    monkeypatch.setenv("TAYLOR_CACHE", "")
    assert main(["--clear-cache"]) == 0
    assert "switched off" in capsys.readouterr().out


# ------------------------------------------------------------------ who wrote it
def refused(words):
    """Save and load where that must be refused, with one warning only."""
    with pytest.warns(RuntimeWarning, match=words) as seen:
        for _ in range(3):
            store.save(OTHER, [], CODE)
            assert store.load(NAME) is None and store.load(OTHER) is None
    assert len(seen) == 1 and "TAYLOR_CACHE" in str(seen[0].message)


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(kept, mode, capsys):
    kept.parent.chmod(mode)
    refused("others can write to it")
    assert [f.name for f in kept.parent.iterdir()] == [kept.name]
    assert main(["--clear-cache"]) == 2 and "others can write" in capsys.readouterr().err
    assert kept.exists()


@root
def test_a_folder_of_another_user_is_refused(kept):
    os.chown(kept.parent, 54321, -1)
    refused("another user")


@posix
def test_a_link_to_a_folder_is_refused(kept):
    real = kept.parent.parent / "elsewhere"
    kept.parent.rename(real)
    kept.parent.symlink_to(real)
    refused("link")


def test_a_file_in_the_place_of_the_folder_is_refused(place):
    place.write_bytes(b"")
    refused("no folder")


def test_the_warning_comes_with_compiled_functions_that_work(kept):
    kept.parent.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others can write") as seen:
        f = taylor.compile(lambda x: x * x + 1)
        assert f(3.0) == 10.0 and f.reasons == {}
        assert taylor.derivative(f, 3.0) == 6.0
    assert len(seen) == 1


def forged(name, body):
    """Return the content of a file that somebody who reads this source can make."""
    return hashlib.sha256(name.encode() + body).digest() + body


@root
@pytest.mark.parametrize("change", ["owner", "mode", "link", "name"])
def test_what_others_planted_is_not_loaded(kept, change):
    good = kept.read_bytes()
    elsewhere = kept.parent.parent / "planted"
    if change == "owner":
        os.chown(kept, 54321, -1)
    elif change == "mode":
        kept.chmod(0o666)
    elif change == "link":
        kept.rename(elsewhere)
        kept.symlink_to(elsewhere)
    else:  # the object of another program
        kept.write_bytes(forged(OTHER, good[store.DIGEST :]))
    assert store.load(NAME) is None
    store.save(NAME, [2], CODE)  # it is made anew, beside what a link points to
    assert store.load(NAME) == ([2], CODE)
    assert kept.stat(follow_symlinks=False).st_uid == os.getuid() and not kept.is_symlink()
    assert change != "link" or elsewhere.read_bytes() == good


# ------------------------------------------------------------------ whatever is found there
def damaged(raw):
    """Return contents that are not what was written."""
    rng = np.random.default_rng(0)
    for size in (0, 1, store.DIGEST - 1, store.DIGEST, store.DIGEST + 8, len(raw) - 1):
        yield raw[:size]
    yield raw + b"\0"
    yield from (bytes(len(raw)), rng.bytes(len(raw)))
    for place in [*range(0, 60, 3), *rng.integers(60, len(raw), 40).tolist()]:
        yield raw[:place] + bytes([raw[place] ^ (1 << place % 8)]) + raw[place + 1 :]
    yield forged(NAME, b"")  # right sums of what is nothing
    yield forged(NAME, (10**15).to_bytes(8, "little") + b"[]")
    yield forged(NAME, b"\x02" + bytes(7) + b"{]" + CODE)


def test_a_damaged_object_is_none(kept):
    good = kept.read_bytes()
    for raw in damaged(good):
        kept.write_bytes(raw)
        assert store.load(NAME) is None
    store.save(NAME, [1, "two"], CODE)
    assert kept.read_bytes() == good


@posix
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device", "loop", "dangling"])
def test_what_is_no_file_is_no_object(kept, kind):
    kept.unlink()
    if kind == "pipe":
        os.mkfifo(kept)
    elif kind == "folder":
        kept.mkdir()
    elif kind == "socket":
        os.mknod(kept, stat.S_IFSOCK | 0o600)
    elif kind == "device":
        kept.symlink_to("/dev/zero")
    else:
        kept.symlink_to(kept if kind == "loop" else kept.parent / "nothing")
    assert store.load(NAME) is None  # and does not wait for a writer
    store.save(NAME, [], CODE)
    assert store.load(NAME) == (None if kind == "folder" else ([], CODE))
    assert [f.name for f in kept.parent.iterdir()] == [kept.name]


def test_a_huge_file_is_not_read(kept, monkeypatch):
    monkeypatch.setattr(store, "LARGEST", 100)
    assert store.load(NAME) is None


# ------------------------------------------------------------------ disks
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("where", ["make", "write", "move"])
def test_a_disk_that_takes_nothing_is_no_error(place, monkeypatch, error, where):
    def fails(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    if where == "make":
        monkeypatch.setattr(Path, "mkdir", fails)
    elif where == "write":
        monkeypatch.setattr(tempfile, "mkstemp", fails)
    else:
        monkeypatch.setattr(os, "replace", fails)
    store.save(NAME, [], CODE)
    assert store.load(NAME) is None
    assert not place.exists() or list(place.iterdir()) == []


def test_a_folder_that_is_gone_is_made_again(kept):
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.parent.rmdir()
    assert store.load(NAME) is None
    store.save(NAME, [], CODE)
    assert store.load(NAME) == ([], CODE)


def test_threads_save_and_load_one_object_at_a_time(place, monkeypatch):
    monkeypatch.setattr(store, "KEPT", 3)
    wrong = []

    def work(i):
        for k in range(30):
            name = f"{k % 7:064x}"
            store.save(name, [k % 7], CODE)
            if store.load(name) not in (None, ([k % 7], CODE)):
                wrong.append((i, k))

    together(work, 4)
    assert not wrong and not list(place.glob("*.part"))


# ------------------------------------------------------------------ names
def test_the_platform_s_folder(monkeypatch):
    monkeypatch.delenv("TAYLOR_CACHE", raising=False)
    platformdirs = pytest.importorskip("platformdirs")
    for value in (None, "", "relative", "/somewhere/else"):
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        if value is not None:
            monkeypatch.setenv("XDG_CACHE_HOME", value)
        if value != "relative":  # not allowed by its specification, and taken by platformdirs
            assert store.folder() == platformdirs.user_cache_path() / store.FOLDER
        assert store.folder().is_absolute()


def test_what_writes_code_is_what_names_it(monkeypatch):
    seen = set()
    real = jit._kept_on_disk

    def watched(write, what):
        def traced():
            sys.setprofile(lambda frame, *_: seen.add(frame.f_code.co_filename))
            try:
                return write()
            finally:
                sys.setprofile(None)

        return real(traced, what)

    monkeypatch.setenv("TAYLOR_CACHE", "")
    monkeypatch.setattr(jit, "_kept_on_disk", watched)
    monkeypatch.setattr(engine, "PATIENCE", 0)
    x, own = (
        np.linspace(0.2, 0.8, 3),
        taylor.define("watched", lambda x: x * x, lambda a, y: (2 * a, 1)),
    )
    f = taylor.compile(lambda x: np.sum(own(np.maximum(x, 0.3)) * np.linalg.solve(np.diag(x), x)))
    taylor.hessian(f, x)
    taylor.gradient(taylor.compile(lambda x: np.sum(np.linalg.cholesky(np.diag(x)))), x)
    np.sin(taylor.TaylorN.variables([0.1, 0.2], order=2)[0] * 1j)
    orbit = lambda t, y: np.stack([y[1], -taylor.erf(y[0])])
    ode.solve_ivp(orbit, (0, 1), [1.0, 0.0], tol=1e-4, events=lambda t, y: y[0])
    ode.solve_ensemble(orbit, (0, 1), np.ones((5, 2)), tol=1e-4)
    taylor.taylor_coefficients(taylor.compile(lambda x: np.exp(x) * x), Interval(0.1, 0.2), 3)
    del TABLE[own.name]
    package = Path(taylor.__file__).parent
    parts = {Path(p).relative_to(package).parts[0] for p in seen if str(package) in p}
    assert parts - {"kept.py", "errors.py"} == set(jit.WRITERS)


def test_no_warning_and_no_folder_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path / "missing"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.load(NAME) is None
    assert not (tmp_path / "missing").exists()
