"""Room: the Debian packages of the test machine.  Must not change the host: no root, no dpkg.

apt resolves and fetches them from the sources that the host is set up with, into the image's own
folder and against an empty status file, so that what the host has installed does not count.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tests.vm.host import NotAvailable, install

# with all that they depend on
CLOSED = (
    "dash", "bash", "coreutils", "util-linux", "mount", "hostname", "procps", "kmod", "grep", "sed",
    "findutils", "mawk", "iproute2", "libc-bin", "base-passwd", "busybox-static",
    "python3", "python3-cffi", "python3-numpy", "python3-pytest",
    "libtonezone2.0",               # dahdi_cfg's
    "libpri1.4", "libopenr2-3",     # ISDN and MFC/R2 by others: far ends for signalling tests
)
ALONE = ("dahdi", "dahdi-source")   # with what they depend on: udev, perl, dkms, a compiler
UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
KERNEL = "linux-image-amd64"


def _field(package: str, field: str) -> str:
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", package],
                           capture_output=True, text=True, check=False).stdout
    found = re.search(rf"^{field}: (.*)$", shown, re.MULTILINE)
    return found[1] if found else ""


def kernel_release() -> str:
    """The release of the kernel that Debian would install now, as 6.1.0-18-amd64."""
    depends = _field(KERNEL, "Depends")
    if not depends and install(["apt"]):  # its lists were empty
        depends = _field(KERNEL, "Depends")
    found = re.search(r"linux-image-(\S+-amd64)", depends)
    if found is None:
        raise NotAvailable(f"apt knows no package {KERNEL}; as root: apt-get update")
    return found[1]


def fetch(work: Path, release: str) -> None:
    """Packages into work/closed, work/alone and work/kernel-debs.  Raises NotAvailable offline."""
    for folder in ("closed/partial", "alone", "kernel-debs", "state"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    _apt(work, work, "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Install-Recommends=0",
         "-o", f"Dir::State::status={work}/state/status",
         "-o", f"Dir::Cache::archives={work}/closed", "--download-only", "install", *CLOSED)
    _apt(work, work / "alone", "download", *ALONE)
    headers = f"linux-headers-{release}"
    parts = re.findall(r"linux-(?:headers|kbuild)-[^ ,]+", _field(headers, "Depends"))
    _apt(work, work / "kernel-debs", "download", f"linux-image-{release}", headers, *parts)


def _apt(work: Path, folder: Path, *words: str) -> None:
    done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", *words], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    with (work / "apt.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise NotAvailable(f"apt-get could not fetch the packages: {(lines or ['no reason'])[0]}")


def unpack(debs: list[Path], folder: Path) -> None:
    """The files of each package under `folder`; owner: whoever runs this (root inside)."""
    folder.mkdir(exist_ok=True)
    leave = [f"--exclude=./{path}/*" for path in UNREAD]
    for deb in sorted(debs):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as data:
            subprocess.run(["tar", "-x", "-C", folder, "--keep-directory-symlink",
                            "--no-same-owner", *leave], stdin=data.stdout, check=True)
        if data.returncode:
            raise OSError(f"{deb.name} is damaged")


def versions(folder: Path) -> str:
    """One line for each package fetched: name and version."""
    debs = sorted(folder.glob("*/*.deb"))
    lines = [subprocess.run(["dpkg-deb", "-W", deb], capture_output=True, text=True,
                            check=True).stdout for deb in debs]
    return "".join(lines)


def drop(folder: Path) -> None:
    """Forget what was fetched."""
    for name in ("closed", "alone", "kernel-debs"):
        shutil.rmtree(folder / name, ignore_errors=True)
