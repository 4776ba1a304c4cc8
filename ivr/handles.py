"""Room: which files of a folder this process has open.  For the check that nothing leaks."""

from pathlib import Path

DESCRIPTORS = Path("/proc/self/fd")  # proc(5)


def open_files(folder: Path) -> list[str]:
    """Open files below ``folder``, relative to it, in order; none where there is no /proc."""
    if not DESCRIPTORS.exists():
        return []
    top = folder.resolve()
    found = []
    for one in DESCRIPTORS.iterdir():
        try:
            target = one.readlink()
        except OSError:
            continue  # closed while we looked
        if target.is_relative_to(top):
            found.append(str(target.relative_to(top)))
    return sorted(found)
