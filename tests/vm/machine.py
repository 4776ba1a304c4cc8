"""Room: the running test machine.  Must not build its image, nor know what is tested in it.

What does it do?  Boots an image, runs one command in the checkout, passes its output on as it
comes, and gives its exit code.

How does it work?  The checkout is mounted at its own path (9p); a second folder carries the orders
in and the exit code out; standard output and error are two serial ports, here two pipes.  Nothing
but what the command writes into the checkout outlives the machine.
"""

import os
import re
import selectors
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.vm.host import ROOT, cache

MEMORY_MIB = 512        # chosen: Python with numpy takes 190 of them
PROCESSORS = 2          # chosen: the driver's timer and a test beside it
PROBE_S = 20            # chosen: a kernel that KVM runs is through in 2 s
KILL_AFTER_S = 5        # chosen: what QEMU gets to end after the limit
TIME_LIMIT, DIED = 124, 125     # coreutils' timeout(1) gives 124; 125 is what it says of itself
CHUNK = 1 << 16
PASSED_ON = re.compile(r"CI|TERM|LC_ALL|PYTHONPATH|PYTHONHASHSEED|PYTEST_ADDOPTS|CTB_(?!VM_)\w+")
CMDLINE = ("console=ttyS0 quiet loglevel=5 panic=-1 mitigations=off no_timer_check "
           "random.trust_cpu=on")
CONFIGURATION = Path(__file__).parent / "guest/system.conf"


@dataclass(frozen=True)
class Machine:
    """An image and how to run it: `kvm` by the processor itself, else by QEMU's emulation."""

    image: Path
    kvm: bool
    limit_s: int = 600
    configuration: Path = CONFIGURATION

    def run(self, command: str) -> int:
        """The exit code of a shell command line; TIME_LIMIT past the limit, DIED without an end."""
        with tempfile.TemporaryDirectory(prefix="cti-vm.") as name:
            folder = Path(name)
            orders(folder, command, self.configuration)
            code = self._boot(folder)
            answer = folder / "ctl/code"
            if code == 0 and answer.exists() and answer.read_text().strip().isdigit():
                code = int(answer.read_text())
            elif code != TIME_LIMIT:
                code = DIED
            if code in (TIME_LIMIT, DIED):
                _explain(folder, code, self.limit_s)
            return code

    def _boot(self, folder: Path) -> int:
        """QEMU from start to end, its guest's two outputs passed on; QEMU's exit code."""
        pipes = [os.pipe(), os.pipe()]
        writers = [writer for _, writer in pipes]
        words = ["timeout", "--foreground", "-k", str(KILL_AFTER_S), str(self.limit_s),
                 *qemu(self.image, kvm=self.kvm), *_disks(self.image, folder),
                 *_outputs(folder, writers), "-append", CMDLINE]
        with (folder / "qemu").open("wb") as said, \
                subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                 pass_fds=writers, env=os.environ | {"TMPDIR": str(folder)}) as run:
            for writer in writers:
                os.close(writer)
            try:
                relay({pipes[0][0]: sys.stdout.buffer, pipes[1][0]: sys.stderr.buffer})
            except BaseException:
                run.terminate()
                raise
        return run.returncode


def qemu(image: Path, *, kvm: bool) -> list[str]:
    """The words that every start of the machine has in common."""
    speed = ["-accel", "kvm", "-cpu", "host"]
    if not kvm:  # x86-64-v2, which compiled Python packages may ask for
        speed = ["-accel", "tcg,thread=multi,tb-size=256",
                 "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"]
    return ["qemu-system-x86_64", "-M", "q35,smm=off,hpet=on", "-m", str(MEMORY_MIB),
            "-smp", str(PROCESSORS), *speed, "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-monitor", "none", "-kernel", str(image / "vmlinux"),
            "-initrd", str(image / "initrd")]


def _disks(image: Path, folder: Path) -> list[str]:
    def shared(tag: str, path: Path) -> str:
        plain = str(path).replace(",", ",,")
        return f"local,path={plain},mount_tag={tag},security_model=none,multidevs=remap"

    disk = str(image / "root.img").replace(",", ",,")
    return ["-drive", f"if=none,id=disk,file={disk},format=raw,snapshot=on",
            "-device", "virtio-blk-pci,drive=disk",
            "-virtfs", shared("ctl", folder / "ctl"), "-virtfs", shared("tree", ROOT)]


def _outputs(folder: Path, writers: list[int]) -> list[str]:
    words = ["-device", "virtio-serial-pci",
             "-chardev", f"file,id=console,path={folder}/console", "-serial", "chardev:console"]
    for number, (name, writer) in enumerate(zip(("out", "err"), writers, strict=True), start=1):
        words += ["-add-fd", f"fd={writer},set={number}",
                  "-chardev", f"file,id={name},path=/dev/fdset/{number},append=on",
                  "-device", f"virtserialport,chardev={name},name={name}"]
    return words


def orders(folder: Path, command: str, configuration: Path) -> None:
    """What the guest's init reads, in folder/ctl."""
    ctl = folder / "ctl"
    ctl.mkdir()
    (ctl / "tree").write_text(f"{ROOT}\n")
    (ctl / "command").write_text(script(command, os.environ))
    shutil.copy(configuration, ctl / "system.conf")
    shutil.copy(Path(__file__).parent / "guest/init", ctl)


def script(command: str, environment: Mapping[str, str]) -> str:
    """The shell script of a command: a few of our variables, the checkout's folder, the command."""
    handed = {name: value for name, value in environment.items() if PASSED_ON.fullmatch(name)}
    handed |= {"CTB_VM": "inside", "PYTHONDONTWRITEBYTECODE": "1"}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(handed.items())]
    return "\n".join([*lines, f"cd {shlex.quote(str(ROOT))} || exit {DIED}", command, ""])


def relay(streams: dict[int, BinaryIO]) -> None:
    """Copy each descriptor to its stream as it comes, until all have ended; closes them."""
    with selectors.DefaultSelector() as selector:
        for descriptor in streams:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for ready, _ in selector.select():
                data = os.read(ready.fd, CHUNK)
                streams[ready.fd].write(data)
                streams[ready.fd].flush()
                if not data:
                    selector.unregister(ready.fd)
                    os.close(ready.fd)


def _explain(folder: Path, code: int, limit_s: int) -> None:
    lines = []
    for name in ("qemu", "console"):
        path = folder / name
        lines += path.read_text(errors="replace").splitlines()[-60:] if path.exists() else []
    what = f"stopped after {limit_s} s" if code == TIME_LIMIT else "it ended before the command did"
    print("\n".join([*lines, f"vm: {what}"]), file=sys.stderr, flush=True)


def kvm_works(image: Path) -> bool:
    """Whether KVM boots this image; tried once and kept until the host starts again.

    /dev/kvm may be there and not run an ordinary kernel (a paravirtual one, as in some rented
    machines, hangs for ever), so only a first boot that ends counts.
    """
    cpu = Path("/proc/cpuinfo").read_text()
    if not os.access("/dev/kvm", os.W_OK) or not re.search(r"\b(vmx|svm)\b", cpu):
        return False
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    kept = cache() / "accelerator"
    if kept.exists() and kept.read_text().startswith(boot):
        return kept.read_text().endswith("kvm")
    tried = subprocess.run(["timeout", "-k", "2", str(PROBE_S), *qemu(image, kvm=True),
                            "-append", f"{CMDLINE} vm.probe"], stdin=subprocess.DEVNULL,
                           capture_output=True, check=False)
    kept.write_text(f"{boot} {'kvm' if tried.returncode == 0 else 'tcg'}")
    return tried.returncode == 0
