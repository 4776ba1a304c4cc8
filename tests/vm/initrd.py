"""Room: what the test machine boots from: the kernel and its first file system.  Must not know
packages or QEMU.

The archive is cpio's `newc` form, which the kernel unpacks by itself (Linux,
Documentation/driver-api/early-userspace/buffer-format.rst).
"""

import lzma
import stat
from collections.abc import Iterable
from pathlib import Path

XZ_MAGIC = b"\xfd7zXZ\x00"      # xz file format 1.1.0, 2.1.1.1
ELF_MAGIC = b"\x7fELF"
ROOT_TRIES, ROOT_PAUSE_US = 200, 20_000  # chosen: 4 s for the disk to appear

Entry = tuple[str, int, bytes]  # name, mode with its file type, content

FIRST = """#!/bin/busybox sh
# Process 1 until the disk is there: modules, disk, the folder with the orders, the guest's init.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
$b grep -q vm.probe /proc/cmdline && $b poweroff -f
{modules}
n=0
until $b mount -t ext4 -o noatime /dev/vda /disk 2>/dev/null; do
    n=$((n + 1))
    [ $n -gt {tries} ] && {{ echo 'vm: no disk'; $b poweroff -f; }}
    $b usleep {pause}
done
how=trans=virtio,version=9p2000.L,msize=65536,cache=none
$b mount -t 9p -o $how ctl /disk/ctl || $b poweroff -f
$b umount /proc
exec $b switch_root /disk /bin/sh /ctl/init
"""


def newc(entries: Iterable[Entry]) -> bytes:
    """A cpio archive, owner root, with no dates: the same entries give the same bytes."""
    parts = []
    for inode, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        path = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]
    return b"".join(parts)


def build(busybox: Path, modules: list[Path]) -> bytes:
    """The first file system: busybox, the modules in the order to load, and the script above."""
    loads = "\n".join(f"$b insmod /m/{module.name}" for module in modules)
    script = FIRST.format(modules=loads, tries=ROOT_TRIES, pause=ROOT_PAUSE_US)
    folders: list[Entry] = [(name, stat.S_IFDIR | 0o755, b"")
                            for name in ("bin", "m", "proc", "dev", "disk")]
    files: list[Entry] = [(f"m/{module.name}", stat.S_IFREG | 0o644, module.read_bytes())
                          for module in modules]
    return newc([*folders, ("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()), *files,
                 ("init", stat.S_IFREG | 0o755, script.encode())])


def kernel(image: bytes) -> bytes:
    """The ELF kernel inside a bzImage packed with xz; any other image as it is.

    QEMU starts an unpacked kernel by its PVH entry (include/xen/interface of the kernel's boot
    protocol); under software emulation the bzImage spends 4 s on unpacking itself.
    """
    start = image.find(XZ_MAGIC)
    if start < 0:
        return image
    plain = lzma.LZMADecompressor().decompress(image[start:])
    return plain if plain.startswith(ELF_MAGIC) else image
