"""Room: the door of the `cti` command.  Must not hold telephony: each subcommand has its file."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cti-board", prog_name="cti")
def main() -> None:
    """Look at boards, spans and lines; say in words what is wrong with them."""


if __name__ == "__main__":
    main()
