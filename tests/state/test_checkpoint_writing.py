"""Files are replaced as a whole or not at all: whatever fails, whoever dies or writes too."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from support.checkpoints import bits, small, stale
from support.children import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KILLS = 500


def loads(path: Path | str, wanted: Any) -> bool:
    """Whether a file holds the state of an optimizer."""
    again = small(steps=0)[0]
    again.load(path)
    return bits(again) == bits(wanted)


KILLED = """
import random
from pathlib import Path
folder, kills = Path(os.environ["FOLDER"]), int(os.environ["KILLS"])
path = folder / "state"

def optimizer(steps, size):
    opt = Adam(state_dtype="bfloat16")
    opt.build({"w": (w := np.ones(size, F)), "b": (b := np.ones(3, F))})
    for _ in range(steps):
        opt.apply({"w": np.full(size, steps, F), "b": np.ones(3, F)})
    return opt, w, b

def bits(opt):
    return {k: x.tobytes() if isinstance(x, np.ndarray) else x for k, x in opt.state_dict().items()}

rng, left, seen = random.Random(0), 0, set()
for size, share in ((7, 0.7), (50_000, 0.3)):
    both = [optimizer(steps, size) for steps in (1, 2)]
    again = optimizer(0, size)
    known = [bits(opt) for opt, *_ in both]
    both[0][0].save(path)
    for _ in range(round(kills * share)):
        child = os.fork()
        if not child:
            while True:
                for opt, *_ in both:
                    opt.save(path)
        time.sleep(rng.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left += len(list(folder.glob(".lamb_rs-*")))
        again[0].load(path)
        seen.add(known.index(bits(again[0])))
    both[1][0].save(path)
    assert [p.name for p in folder.iterdir()] == ["state"], list(folder.iterdir())
assert left, "no kill came while a file was written"
print(sorted(seen))
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """The file is the old one or the new one; what the dead left is removed by the next."""
    out = run(KILLED, timeout=600, FOLDER=str(tmp_path), KILLS=str(KILLS))
    assert out.strip() == "[0, 1]"


def while_saving(opt: Any, path: Path, act: Callable[[], None]) -> None:
    """Save an optimizer, and act once while the new file has its temporary name."""
    sync, acted = os.fsync, []

    def first(descriptor: int) -> None:
        if not acted:
            acted.append(True)
            act()
        sync(descriptor)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", first)
        opt.save(path)
    assert acted


def test_what_lives_is_not_removed(tmp_path: Path) -> None:
    """A file that is being written is not removed when others are saved in its directory."""
    opt, other = small(1)[0], small(2)[0]
    found: list[Path] = []

    def meanwhile() -> None:
        found.extend(stale(tmp_path))
        other.save(tmp_path / "state")
        other.save(tmp_path / "other")
        assert stale(tmp_path) == found

    while_saving(opt, tmp_path / "state", meanwhile)
    (beside,) = found
    assert loads(tmp_path / "state", opt)
    dead = beside.with_name(beside.name[:26] + "0" * 16 + ".tmp")
    dead.touch()
    opt.save(tmp_path / "other")
    assert stale(tmp_path) == [dead], "of another file"
    opt.save(tmp_path / "state")
    assert not stale(tmp_path)


def test_what_is_taken_for_stale_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look between the creation of a file and its lock."""
    lock, fails = fcntl.flock, [True]

    def locked(descriptor: int, operation: int) -> None:
        if fails:
            fails.clear()
            (beside,) = stale(tmp_path)
            beside.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", locked)
    opt, _ = small()
    opt.save(tmp_path / "state")
    assert not fails
    assert loads(tmp_path / "state", opt)
    assert not stale(tmp_path)


# Each call fails in turn. After the last two the new file is in its place already.
CALLS: dict[str, tuple[str, int, bool]] = {
    "create": ("open", 1, False),
    "lock": ("flock", 1, False),
    "permissions": ("fchmod", 1, False),
    "sync": ("fsync", 1, False),
    "rename": ("replace", 1, False),
    "directory": ("open", 2, True),
    "sync of the directory": ("fsync", 2, True),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize(("name", "turn", "done"), CALLS.values(), ids=CALLS)
def test_every_call_may_fail(
    name: str, turn: int, done: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    old, new = small(1)[0], small(2)[0]
    old.save(path)
    module = fcntl if name == "flock" else os
    real, count = getattr(module, name), [0]

    def failing(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if count[0] == turn:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patched:
        patched.setattr(module, name, failing)
        with pytest.raises(OSError, match=f"{os.strerror(code)}: '.*state'") as caught:
            new.save(path)
    assert caught.value.errno == code
    assert loads(path, new if done else old)
    assert not stale(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    new.save(path)
    assert loads(path, new)


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    old = small(1)[0]
    old.save(path)

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small(2)[0].save(path)
    assert loads(path, old)
    assert not stale(tmp_path)


def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saving goes on; what lies there may be somebody's, and stays."""

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    opt, other = small(1)[0], small(2)[0]

    def meanwhile() -> None:
        found = stale(tmp_path)
        monkeypatch.setattr(fcntl, "flock", no_locks)
        other.save(tmp_path / "state")
        assert len(found) == 1
        assert stale(tmp_path) == found
        assert loads(tmp_path / "state", other)

    while_saving(opt, tmp_path / "state", meanwhile)
    assert loads(tmp_path / "state", opt)


def test_file_systems_that_cannot_sync_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def no_directories(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", no_directories)
    opt, _ = small()
    opt.save(tmp_path / "state")
    assert loads(tmp_path / "state", opt)


FULL = """
import errno, resource
from pathlib import Path
folder = Path(os.environ["FOLDER"])
path = folder / "state"
opt = Adam()
opt.build([x := np.ones(20_000, F)])
opt.save(path)
old = path.read_bytes()
opt.apply([x.copy()])
errors = set()
limit = int(os.environ["LIMIT"])
for size in [0, 1, 7, 8, 9, 1000, 4096, 5000, 50_000, len(old) - 1]:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        opt.save(path)
    except OSError as error:
        errors.add(error.errno)
        assert error.filename == str(path), error
    assert path.read_bytes() == old
    assert [p.name for p in folder.iterdir()] == ["state"]
assert errors == {errno.EFBIG if limit else errno.ENOSPC}, errors
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) + 100, resource.RLIM_INFINITY))
    opt.save(path)
    assert path.read_bytes() != old
"""


def test_a_file_may_not_be_so_large(tmp_path: Path) -> None:
    run(FULL, FOLDER=str(tmp_path), LIMIT="1")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one file and no second one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=240k", "tmpfs", folder],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)  # noqa: S607


def test_disk_full(full_disk: Path) -> None:
    run(FULL, FOLDER=str(full_disk), LIMIT="0")


UNWRITABLE = """
import shutil, stat, tempfile
from pathlib import Path
opt = Adam()
opt.build([x := np.ones(3, F)])
folder = Path(tempfile.mkdtemp())
try:
    opt.save(folder / "state")
    old = (folder / "state").read_bytes()
    opt.apply([x.copy()])
    folder.chmod(0o555)
    if not os.geteuid():
        os.seteuid(65534)  # nothing is forbidden to root
    try:
        opt.save(folder / "state")
    except PermissionError as error:
        print(os.path.basename(error.filename).startswith((".lamb_rs-", "state")))
    assert (folder / "state").read_bytes() == old
    opt.load(folder / "state")
    # One that can be written but not listed.
    os.seteuid(os.getuid())
    folder.chmod(0o333)
    if not os.geteuid():
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    opt.save(folder / "state")
    opt.load(folder / "state")
finally:
    os.seteuid(os.getuid())
    folder.chmod(0o700)
    shutil.rmtree(folder)
"""


def test_unwritable_directory() -> None:
    assert run(UNWRITABLE).strip() == "True"


def test_permissions(tmp_path: Path) -> None:
    opt, _ = small()
    path = tmp_path / "state"
    for mask, mode in ((0o022, 0o644), (0o077, 0o600)):
        old = os.umask(mask)
        try:
            opt.save(path)
        finally:
            os.umask(old)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.unlink()
    opt.save(path)
    for mode in (0o640, 0o600, 0o666, 0o400):
        path.chmod(mode)
        opt.save(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_links(tmp_path: Path) -> None:
    old, new = small(1)[0], small(2)[0]
    (tmp_path / "runs").mkdir()
    target, link = tmp_path / "runs" / "target", tmp_path / "link"
    old.save(target)
    link.symlink_to("runs/target")
    (tmp_path / "hard").hardlink_to(target)
    new.save(link)
    assert link.is_symlink()
    assert loads(target, new)
    assert loads(link, new)
    assert loads(tmp_path / "hard", old)
    target.unlink()
    old.save(link)
    assert link.is_symlink()
    assert loads(target, old)
    assert not stale(tmp_path / "runs")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="loop") as caught:
        old.save(loop)
    assert caught.value.errno == errno.ELOOP
    assert loop.is_symlink()


REFUSED: dict[str, tuple[Callable[[Path], Any], type[OSError]]] = {
    "directory": (lambda path: path.mkdir(), IsADirectoryError),
    "pipe": (os.mkfifo, FileExistsError),
    "device": (lambda path: path.symlink_to("/dev/null"), FileExistsError),
    "no directory": (lambda path: path.parent.rmdir(), FileNotFoundError),
    "in a file": (
        lambda path: (path.parent.rmdir(), path.parent.touch()),
        NotADirectoryError,
    ),
}


@pytest.mark.parametrize(("make", "error"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[Path], Any], error: type[OSError], tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state"
    path.parent.mkdir()
    make(path)
    with pytest.raises(error):
        small()[0].save(path)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_two_threads_save_while_a_third_loads(tmp_path: Path) -> None:
    path = tmp_path / "state"
    both = [small(1)[0], small(2)[0]]
    known = [bits(opt) for opt in both]
    both[0].save(path)
    done = threading.Event()
    wrong: list[BaseException] = []

    def saving(opt: Any) -> None:
        try:
            for _ in range(40):
                opt.save(path)
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    def loading() -> None:
        again = small(steps=0)[0]
        try:
            while not done.is_set():
                again.load(path)
                assert bits(again) in known
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    writers = [threading.Thread(target=saving, args=(opt,)) for opt in both]
    reader = threading.Thread(target=loading)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not wrong
    assert not stale(tmp_path)


def test_the_file_does_not_follow_the_training(tmp_path: Path) -> None:
    """What was saved is the state of one moment."""
    opt, params = small()
    opt.save(tmp_path / "state")
    before = bits(opt)
    opt.apply({name: np.ones_like(p) for name, p in params.items()})
    again = small(steps=0)[0]
    again.load(tmp_path / "state")
    assert bits(again) == before != bits(opt)
