"""Room: the command `ivr verify`: words in, lines or JSON out.  Must not decide what is sound.

Exit codes: 0 sound; 1 something is not what was written; 2 (at the door) cannot tell, or bad input.
"""

import json
import re
import sys
from pathlib import Path

import click

from .record import Audit, Head, JournalFault, RecordError, audit

WITNESS = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")  # as the journal spells line and hash


@click.command()
@click.argument("records", default=Path("records"),
                type=click.Path(path_type=Path, file_okay=False))  # fmt: skip
@click.option("--witness", metavar="NUMBER:HASH", help="A journal head noted elsewhere.")
@click.option("--json", "as_json", is_flag=True)
def verify(records: Path, witness: str | None, as_json: bool) -> None:
    """查验记录。Check the journal, the rows and every recording; changes nothing.

    Exit 0: sound.  Exit 1: something is not what was written.  Exit 2: cannot tell.  Without a
    witness from outside, a journal that was made anew as a whole is sound, too.
    """
    found = audit(records, head_of(witness))
    head = f"{found.journal.head.seq}:{found.journal.head.hash}"
    if as_json:
        click.echo(json.dumps(report(found, head), ensure_ascii=False))
    else:
        for line in (*map(fault_line, found.journal.faults), *found.rows, *found.recordings):
            click.echo(line)
        word = "完好 sound" if found.sound else "有误 NOT sound"
        click.echo(f"{found.journal.lines} lines, head {head}: {word}")
    sys.exit(0 if found.sound else 1)


def report(found: Audit, head: str) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "lines": found.journal.lines,
        "head": head,
        "sound": found.sound,
        "faults": [fault_line(one) for one in found.journal.faults],
        "rows": list(found.rows),
        "recordings": list(found.recordings),
    }


def fault_line(fault: JournalFault) -> str:
    """A fault of the journal in one line."""
    numbers = f"{fault.seq}" if fault.seq == fault.last else f"{fault.seq} to {fault.last}"
    return f"{fault.file}: line {numbers}: {fault.kind}: {fault.text}"


def head_of(text: str | None) -> Head | None:
    """The witness as `ivr verify` prints it; RecordError for anything else."""
    if text is None:
        return None
    found = WITNESS.fullmatch(text)
    if found is None:
        raise RecordError(f"--witness is NUMBER:HASH as `ivr verify` prints it, not {text!r}")
    return Head(int(found[1]), found[2])
