"""Room: the build of the media plane.  Must not be imported at run time.

The declarations for cffi are made from the headers themselves, so a struct is written once.
"""

import os
import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
HEADERS = [
    "ctb_driver.h",
    "ctb_street.h",
    "ctb_dsp.h",
    "ctb_engine.h",
    "ctb_mf.h",
    "ctb_fax.h",
    "ctb_beep.h",
    "ctb_agc.h",
    "ctb_callerid.h",
    "ctb_echo.h",
]
FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
]


def declarations(text: str) -> str:
    """The part of a C header that cffi's parser understands; other macros become `...`."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = []
    for line in text.splitlines():
        if match := re.match(r"#define\s+(\w+)\s+(\S.*)$", line):
            name, value = match[1], match[2].strip()
            literal = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*", value)
            lines.append(f"#define {name} {literal[1] if literal else '...'}")
        elif not line.startswith("#"):
            lines.append(line)
    return "\n".join(lines)


if os.environ.get("CTB_SANITIZE"):
    FLAGS += ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g", "-O1"]

ffi = FFI()
present = [h for h in HEADERS if (HERE / "include" / h).exists()]
for header in present:
    ffi.cdef(declarations((HERE / "include" / header).read_text()))
ffi.set_source(
    "cti_board._native._media",
    "".join(f'#include "{h}"\n' for h in present),
    sources=sorted(str(p.relative_to(HERE.parent.parent)) for p in (HERE / "src").glob("*.c")),
    include_dirs=["cti_board/_native/include", "cti_board/_native/src"],
    depends=sorted(
        str(p.relative_to(HERE.parent.parent))
        for p in [
            *(HERE / "include").glob("*.h"),
            *(HERE / "src").glob("*.h"),
            *(HERE / "src").glob("*.inc"),
        ]
    ),
    extra_compile_args=FLAGS,
    libraries=["m", "dl", "pthread"],
    extra_link_args=["-fsanitize=address,undefined"] if os.environ.get("CTB_SANITIZE") else [],
    py_limited_api=True,
)
