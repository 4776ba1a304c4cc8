"""Room: the test machine's needs on the host.  Must not build or start anything.

What the runner needs outside: programs by the name of their Debian package, the cache folder, and
the one sentence that says why there is no machine here.
"""

import ctypes
import os
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# program -> Debian package; gcc-12 is the compiler that Debian 12's kernel headers name
BUILD_TOOLS = {
    "apt-get": "apt", "dpkg-deb": "dpkg", "mke2fs": "e2fsprogs", "depmod": "kmod",
    "modprobe": "kmod", "gcc-12": "gcc-12", "make": "make", "strip": "binutils",
    "ldconfig": "libc-bin", "tar": "tar",
}
RUN_TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "timeout": "coreutils"}
LIBELF = "libelf1"  # the kernel's objtool is linked with it
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class NotAvailable(Exception):
    """There can be no machine here; the text is one line and says what is missing."""


def cache() -> Path:
    """The folder that keeps images: $CTB_VM_CACHE, or cti-board/vm in the user's cache folder."""
    own = os.environ.get("CTB_VM_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(own).resolve() if own else Path(home) / "cti-board" / "vm"


def missing(*, build: bool, path: str = SYSTEM_PATH) -> dict[str, str]:
    """What `path` lacks, each with its package: to run the machine, or to build it too."""
    tools = RUN_TOOLS | (BUILD_TOOLS if build else {})
    gone = {tool: package for tool, package in tools.items()
            if shutil.which(tool, path=path) is None}
    if build:
        try:
            ctypes.CDLL("libelf.so.1")
        except OSError:
            gone["libelf.so.1"] = LIBELF
    return gone


def wanted(gone: dict[str, str]) -> str:
    """The line for a person who lacks these programs."""
    packages = " ".join(sorted(set(gone.values())))
    return (f"missing: {', '.join(sorted(gone))}; as root: "
            f"apt-get install -y --no-install-recommends {packages}")


def require(*, build: bool) -> None:
    """Install what is missing where we may (root, or sudo without a question), else say so.

    Raises NotAvailable: another processor than x86-64, or programs that could not be installed.
    """
    if platform.machine() != "x86_64":
        raise NotAvailable(f"the machine is an x86-64; this is {platform.machine()}")
    gone = missing(build=build)
    if gone and install(sorted(set(gone.values()))):
        gone = missing(build=build)
    if gone:
        raise NotAvailable(wanted(gone))


def install(packages: list[str]) -> bool:
    """Update apt's lists and install `packages`; whether that worked."""
    if shutil.which("apt-get") is None or (os.getuid() and shutil.which("sudo") is None):
        return False
    done = subprocess.run([ROOT / ".ci/setup", "--apt", *packages], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    return done.returncode == 0
