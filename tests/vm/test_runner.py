"""The runner of the test machine, outside of it: what needs no QEMU."""

import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vm import dahdi_api, host, image, initrd, machine
from tests.vm.__main__ import PYTEST, inside, parse


def test_what_is_missing_is_one_line_with_the_command_to_install_it(tmp_path):
    gone = host.missing(build=True, path=str(tmp_path))
    assert {"qemu-system-x86_64", "mke2fs", "gcc-12"} <= set(gone)
    line = host.wanted(gone)
    assert "\n" not in line
    assert line.split("as root: ")[1].startswith("apt-get install")
    assert {"qemu-system-x86", "e2fsprogs", "kmod"} <= set(line.split())
    assert set(host.missing(build=False, path=str(tmp_path))) == set(host.RUN_TOOLS)


def test_programs_that_are_there_are_not_missing(tmp_path):
    for tool in [*host.RUN_TOOLS, *host.BUILD_TOOLS]:
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    assert host.missing(build=False, path=str(tmp_path)) == {}
    assert set(host.missing(build=True, path=str(tmp_path))) <= {"libelf.so.1"}


def test_without_root_and_without_programs_there_is_no_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(host, "install", lambda packages: False)
    monkeypatch.setattr(host, "missing", lambda *, build: {"make": "make"})
    monkeypatch.setattr(host.platform, "machine", lambda: "x86_64")
    with pytest.raises(host.NotAvailable, match="missing: make; as root: apt-get install"):
        host.require(build=True)
    monkeypatch.setattr(host.platform, "machine", lambda: "riscv64")
    with pytest.raises(host.NotAvailable, match="this is riscv64"):
        host.require(build=False)


def test_the_archive_is_cpio_newc():
    data = initrd.newc([("bin", 0o040755, b""), ("bin/x", 0o100755, b"abcde")])
    found, at = {}, 0
    while at < len(data):
        assert data[at:at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110:at + 109 + name_size].decode()
        assert data[at + 109 + name_size] == 0
        body = at + -(-(110 + name_size) // 4) * 4
        found[name] = (fields[1], fields[2], fields[3], data[body:body + size])
        at = body + -(-size // 4) * 4
    assert at == len(data)
    assert found == {"bin": (0o040755, 0, 0, b""), "bin/x": (0o100755, 0, 0, b"abcde"),
                     "TRAILER!!!": (0, 0, 0, b"")}


def test_the_first_script_loads_modules_in_order_and_is_shell(tmp_path):
    modules = [tmp_path / f"{name}.ko" for name in ("virtio", "ext4", "9p")]
    for module in modules:
        module.write_bytes(b"module")
    (tmp_path / "busybox").write_bytes(b"busybox")
    data = initrd.build(tmp_path / "busybox", modules)
    script = data[data.index(b"#!/bin/busybox sh"):].split(b"\0")[0].decode()
    assert [line.split("/m/")[1] for line in script.splitlines() if "insmod" in line] == [
        "virtio.ko", "ext4.ko", "9p.ko"]
    for text in (script, (Path(machine.__file__).parent / "guest/init").read_text()):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_a_kernel_is_unpacked_and_another_image_left_alone():
    elf = initrd.ELF_MAGIC + bytes(100)
    assert initrd.kernel(b"setup code" + lzma.compress(elf) + b"more") == elf
    assert initrd.kernel(b"no archive") == b"no archive"
    other = b"x" + lzma.compress(b"no kernel")
    assert initrd.kernel(other) == other


def test_a_command_reaches_the_shell_word_by_word(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    words = [sys.executable, "-c", "import sys, os; print(sys.argv[1:], os.getcwd(), "
             "os.environ['CTB_SIMD'], 'HOME' in os.environ)", "two words", "$HOME", "it's"]
    environment = {"CTB_SIMD": "a 'b'", "HOME": "x", "CTB_VM_CACHE": "y", "CTB_VM": "outside"}
    script = machine.script(inside("run", words), environment)
    assert "CTB_VM_CACHE" not in script
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True, env={})
    assert done.stdout == f"['two words', '$HOME', \"it's\"] {tmp_path} a 'b' False\n"
    one = subprocess.run(["sh"], input=machine.script(inside("run", ["exit 7"]), {}), text=True,
                         check=False)
    assert one.returncode == 7


def test_words_for_pytest_keep_the_default_folder_unless_they_name_another():
    assert inside("test", ["-k", "audio or bits", "-x"]).endswith(" tests/vm -k 'audio or bits' -x")
    named = inside("test", ["tests/vm/test_dahdi_audio.py"])
    assert named.endswith(" tests/vm/test_dahdi_audio.py")
    chosen, words = parse(["--limit", "9", "test", "-k", "audio"])
    assert (chosen.limit, chosen.what, words) == (9, "test", ["-k", "audio"])
    with pytest.raises(SystemExit):
        parse(["run"])


@pytest.mark.parametrize(("where", "only"), [("inside", "test_dahdi_"), ("", "test_runner")])
def test_each_side_collects_its_own_tests(where, only):
    """Here by this Python's pytest, with the configuration and the words of the one inside."""
    words = [sys.executable, *PYTEST[1:], "-p", "no:cacheprovider", "--collect-only", "tests/vm"]
    environment = {**os.environ, "CTB_VM": where, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(words, cwd=host.ROOT, env=environment, capture_output=True, text=True,
                          check=True)
    files = {line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("tests/")}
    assert files, done.stdout
    assert all(Path(name).name.startswith(only) for name in files)


def test_both_outputs_are_passed_on_as_they_are(tmp_path):
    out, err = os.pipe(), os.pipe()
    os.write(out[1], b"said\0" * 100)
    os.write(err[1], b"warned")
    for descriptor in (out[1], err[1]):
        os.close(descriptor)
    with (tmp_path / "out").open("wb") as first, (tmp_path / "err").open("wb") as second:
        machine.relay({out[0]: first, err[0]: second})
    assert (tmp_path / "out").read_bytes() == b"said\0" * 100
    assert (tmp_path / "err").read_bytes() == b"warned"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(out[0])


@pytest.fixture
def fake_qemu(tmp_path, monkeypatch):
    """A program in QEMU's place, to see how a run ends that the guest does not end itself."""
    def place(script: str) -> machine.Machine:
        program = tmp_path / "bin/qemu-system-x86_64"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{host.SYSTEM_PATH}")
        return machine.Machine(tmp_path, kvm=False, limit_s=60)

    return place


@pytest.mark.parametrize(("script", "code"), [
    ("exit 0", machine.DIED),               # off before the command ended
    ("exit 1", machine.DIED),               # QEMU refused
    ("exit 124", machine.TIME_LIMIT),       # what timeout(1) says past the limit
    ("echo 7 >$TMPDIR/ctl/code", 7),
    ("echo 0 >$TMPDIR/ctl/code; exit 1", machine.DIED),
])
def test_only_an_exit_code_from_inside_counts(fake_qemu, capsysbinary, script, code):
    assert fake_qemu(script).run("true") == code
    said = capsysbinary.readouterr().err
    assert (said == b"") == (code == 7)


def test_images_are_kept_by_recipe_and_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("CTB_VM_CACHE", str(tmp_path / "cache"))
    image.clean()                           # nothing there is no fault
    assert not image.built()
    for name in image.FILES:
        (image.folder() / name).parent.mkdir(parents=True, exist_ok=True)
        (image.folder() / name).touch()
    assert image.built()
    assert image.ensure(print) == image.folder()
    (host.cache() / "keep").touch()
    image.clean()
    assert [path.name for path in host.cache().iterdir() if path.name != "lock"] == ["keep"]


def test_ioctl_codes_are_those_of_a_compiled_program():
    """What a C program printed that includes dahdi/user.h of dahdi-linux 2.11.1, on x86-64."""
    assert f"{dahdi_api.SPECIFY:#x}" == "0x4004da26"
    assert f"{dahdi_api.GET_PARAMS:#x}" == "0xc088da05"
    assert f"{dahdi_api.SPANSTAT:#x}" == "0xc13ada0a"
    assert f"{dahdi_api.GETEVENT:#x}" == "0x8004da08"
    assert f"{dahdi_api.GETRXBITS:#x}" == "0x8004da2b"
    assert f"{dahdi_api.SETTXBITS:#x}" == "0x4004da2b"
    assert f"{dahdi_api.SET_BUFINFO:#x}" == "0x4018da1b"
