"""Room: the test machine's image.  Must not start it.

What does it do?  Makes three files, kernel, first file system and disk, from Debian's packages:
Debian's own kernel, and of its DAHDI sources the modules that need no card.  It needs no root.

How does it work?  Packages are unpacked side by side, never installed; the few steps that their
scripts would have done follow here.  The folder's name is a hash of the recipe, so checkouts with
different recipes share one cache; newer packages come with `clean`.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.vm import host, initrd, packages

FILES = ("vmlinux", "initrd", "root.img")
RECIPE = ("image.py", "initrd.py", "packages.py")
BOOT_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "9pnet_virtio", "9p",
                "virtio_console")
DAHDI_MODULES = ("dahdi", "dahdi_dynamic", "dahdi_dynamic_loc")
KEPT = 2                # chosen: images in the cache; two checkouts may differ in their recipe
SPARE_MIB = 64          # chosen: free space on the disk beside a quarter of what is on it
MIB = 1 << 20

Say = Callable[[str], None]


def key() -> str:
    """What the image is made from, in 16 hexadecimal digits."""
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in RECIPE)).hexdigest()[:16]


def folder() -> Path:
    """Where this recipe's image is or will be."""
    return host.cache() / key()


def built() -> bool:
    return all((folder() / name).exists() for name in FILES)


def ensure(say: Say) -> Path:
    """The folder of the image, built when there is none.  Raises NotAvailable, RuntimeError."""
    if not built():
        host.require(build=True)
        with _locked():
            if not built():
                _build(say)
    folder().touch()
    return folder()


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    host.cache().mkdir(parents=True, exist_ok=True)
    with (host.cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(say: Say) -> None:
    release = packages.kernel_release()
    say(f"building an image with Debian's kernel {release} in {host.cache()}")
    with tempfile.TemporaryDirectory(prefix="build.", dir=host.cache()) as name:
        work = Path(name).resolve()
        packages.fetch(work, release)
        (work / "out").mkdir()
        (work / "out/versions").write_text(packages.versions(work))
        packages.unpack(list(work.glob("kernel-debs/*.deb")), work / "kernel")
        _merged_usr(work / "root")
        root_debs = [*work.glob("closed/*.deb"), *work.glob("alone/dahdi_*.deb")]
        packages.unpack(root_debs, work / "root")
        packages.unpack(list(work.glob("alone/dahdi-source_*.deb")), work / "source")
        packages.drop(work)
        say("building the DAHDI modules")
        _dahdi_modules(work, release)
        _finish_root(work / "root")
        _boot_files(work, release)
        _disk(work)
        work.joinpath("out").rename(folder())
    _forget_old()
    say(f"built: {sum(f.stat().st_blocks * 512 for f in folder().iterdir()) // MIB} MiB")


def _run(*words: str | Path) -> str:
    """A tool's output; what it said on standard error is in the exception."""
    done = subprocess.run(words, env=os.environ | {"PATH": host.SYSTEM_PATH, "LC_ALL": "C"},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-30:]
        raise RuntimeError("\n".join([f"{words[0]} failed ({done.returncode})", *last]))
    return done.stdout


def _merged_usr(root: Path) -> None:
    """Debian's /bin, /sbin and /lib are links into /usr; packages still name both."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")


def _dahdi_modules(work: Path, release: str) -> None:
    """Debian's DAHDI sources against Debian's headers, unchanged; only what needs no card."""
    headers = work / f"kernel/usr/src/linux-headers-{release}"
    makefile = headers / "Makefile"   # it names the common headers by their installed place
    makefile.write_text(re.sub(r"^include /usr/src/", f"include {work}/kernel/usr/src/",
                               makefile.read_text(), flags=re.MULTILINE))
    _run("tar", "-x", "-C", work / "source", "-f", work / "source/usr/src/dahdi.tar.bz2")
    wanted = [f"CONFIG_{name.upper()}=m" for name in DAHDI_MODULES]
    log = _run("make", "-C", work / "source/modules/dahdi", f"-j{min(os.cpu_count() or 1, 4)}",
               f"KVERS={release}", f"KSRC={headers}", "DAHDI_BUILD_ALL=", *wanted, "modules")
    (work / "out/make.log").write_text(log)
    target = work / f"root/lib/modules/{release}"
    target.mkdir(parents=True)
    for name in DAHDI_MODULES:
        found = next(work.glob(f"source/modules/dahdi/drivers/**/{name}.ko"), None)
        if found is None:
            raise RuntimeError(f"make built no {name}.ko")
        _run("strip", "--strip-debug", "-o", target / f"{name}.ko", found)
    _run("depmod", "-b", work / "kernel", release)
    _copy_needs(work, release)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(work / f"kernel/lib/modules/{release}/{name}", target)
    _run("depmod", "-b", work / "root", release)


def _copy_needs(work: Path, release: str) -> None:
    """The kernel's own modules that ours name as their needs (crc-ccitt, where it is one)."""
    target = work / f"root/lib/modules/{release}"
    tree = work / f"kernel/lib/modules/{release}"
    for name in DAHDI_MODULES:
        needs = _run("modinfo", "-F", "depends", target / f"{name}.ko").strip()
        for need in set(filter(None, needs.split(","))) - set(DAHDI_MODULES):
            for path in _with_needs(work, release, need):
                place = target / path.relative_to(tree)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)


def _with_needs(work: Path, release: str, module: str) -> list[Path]:
    """The files to load for `module`, in order; none when it is part of the kernel."""
    lines = _run("modprobe", "-d", work / "kernel", "-S", release, "--show-depends", module)
    return [Path(line.split()[1]) for line in lines.splitlines() if line.startswith("insmod ")]


def _finish_root(root: Path) -> None:
    """What the packages' scripts would have done, as far as the machine needs it."""
    for link, target in (("bin/sh", "dash"), ("usr/bin/awk", "mawk")):
        (root / link).unlink(missing_ok=True)
        (root / link).symlink_to(target)
    for name in ("dev", "proc", "sys", "run", "tmp", "root", "ctl", "etc/dahdi", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    base = root / "usr/share/base-passwd"
    shutil.copy(base / "passwd.master", root / "etc/passwd")
    shutil.copy(base / "group.master", root / "etc/group")
    (root / "etc/hostname").write_text("cti-vm\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost cti-vm\n")
    algebra = [f"/{path.relative_to(root)}" for name in ("blas", "lapack")
               for path in root.glob(f"usr/lib/*/{name}")]   # numpy's; else by alternatives
    (root / "etc/ld.so.conf.d").mkdir(exist_ok=True)
    (root / "etc/ld.so.conf.d/algebra.conf").write_text("\n".join(algebra) + "\n")
    (root / "etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
    _run("ldconfig", "-r", root)
    _byte_compile(root)


def _byte_compile(root: Path) -> None:
    """Once here, since the machine keeps nothing; by its own Python, on the host's processor."""
    python = next(path for path in sorted(root.glob("usr/bin/python3.*"))
                  if re.fullmatch(r"python3\.\d+", path.name))
    loader: list[str | Path] = [root / "usr/lib64/ld-linux-x86-64.so.2", "--library-path",
                                root / "usr/lib/x86_64-linux-gnu", python]
    # some packages carry files of another Python's syntax, so its exit code says nothing
    subprocess.run(
        [*loader, "-m", "compileall", "-q", "-s", root, "-p", "/", "--invalidation-mode",
         "unchecked-hash", root / "usr/lib/python3", root / "usr/lib" / python.name],
        env={"PYTHONHOME": str(root / "usr"), "LC_ALL": "C.UTF-8"}, capture_output=True,
        check=False)


def _boot_files(work: Path, release: str) -> None:
    image = (work / f"kernel/boot/vmlinuz-{release}").read_bytes()
    (work / "out/vmlinux").write_bytes(initrd.kernel(image))
    modules = [path for name in BOOT_MODULES for path in _with_needs(work, release, name)]
    first = initrd.build(work / "root/bin/busybox", list(dict.fromkeys(modules)))
    (work / "out/initrd").write_bytes(first)


def _disk(work: Path) -> None:
    size = int(_run("du", "-sm", work / "root").split()[0]) * 5 // 4 + SPARE_MIB
    _run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0",
         "-E", "root_owner=0:0,lazy_itable_init=1", "-d", work / "root",
         work / "out/root.img", f"{size}M")


def _images() -> list[Path]:
    """The finished images, latest used first."""
    found = [path.parent for path in host.cache().glob("*/root.img")
             if not path.parent.name.startswith("build.")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _forget_old() -> None:
    others = [path for path in _images() if path != folder()]
    for path in others[KEPT - 1:]:
        shutil.rmtree(path)


def clean() -> None:
    """Forget every image."""
    if host.cache().exists():
        with _locked():
            for path in host.cache().iterdir():
                if path.is_dir() and (path.name.startswith("build.") or path in _images()):
                    shutil.rmtree(path)
                elif path.name == "accelerator":
                    path.unlink()


def say(text: str) -> None:
    """A line of the runner's own, on standard error."""
    print(f"vm: {text}", file=sys.stderr, flush=True)
