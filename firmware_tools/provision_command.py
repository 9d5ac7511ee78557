"""`checkreader-firmware provision`."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

_PASSPHRASE_HELP = "A file with the Wi-Fi passphrase; without it, it is asked for."
_KEYS_HELP = "A public key that bundles have to be signed with; may be given again."


def add_provision(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def provision(
        boot: Annotated[Path, typer.Argument(metavar="BOOT", help="Where the card's boot partition is mounted.")],
        host_name: Annotated[str, typer.Option("--hostname", metavar="NAME", help="What the device is called.")],
        ssh_key: Annotated[list[Path], typer.Option("--ssh-key", metavar="FILE", help="A public key that may log in; may be given again.")],
        user: Annotated[str, typer.Option("--user", metavar="NAME", help="Who logs in; may become root.")] = "pi",
        wifi: Annotated[str | None, typer.Option("--wifi", metavar="NAME", help="The Wi-Fi network; without it, the cable.")] = None,
        passphrase: Annotated[Path | None, typer.Option("--passphrase-file", metavar="FILE", help=_PASSPHRASE_HELP)] = None,
        country: Annotated[str, typer.Option("--country", metavar="CODE", help="Where the Wi-Fi is used, such as US.")] = "",
        package: Annotated[Path | None, typer.Option("--deb", metavar="FILE", help="The package to install.")] = None,
        config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Its configuration.")] = None,
        trust: Annotated[list[Path] | None, typer.Option("--trust", metavar="FILE", help=_KEYS_HELP)] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    ) -> None:
        """Make a fresh card of Raspberry Pi OS ready for a first start without keyboard and screen.

        Writes files to the boot partition alone, and never to a device. Secrets are shown as ***.
        """
        from firmware_tools.provision import Wish, derived_key, look_at, plan_for, write_plan

        method = look_at(boot)
        key = None
        if wifi is not None:
            said = passphrase.read_text("utf-8").rstrip("\r\n") if passphrase else getpass.getpass(f"Passphrase of {wifi}: ")
            key = derived_key(wifi, said)
        wish = Wish(
            host_name=host_name, user=user, ssh_keys=[path.read_text("utf-8").strip() for path in ssh_key], country=country,
            wifi=(wifi, key) if wifi is not None and key is not None else None, package=package, config=config, trusted_keys=trust or (),
        )  # fmt: skip
        if not trust:
            typer.echo("no key is given (--trust): until one lies on the device, it takes no update", err=True)
        plan = plan_for(method, wish, (boot / "cmdline.txt").read_text("utf-8"))
        typer.echo(f"{boot}: Raspberry Pi OS that is told by {method}")
        for place, source in plan.copies.items():
            typer.echo(f"--- {place}: {source} as it is, {source.stat().st_size:,} bytes")
        for place, text in plan.texts.items():
            typer.echo(f"--- {place}\n{text.replace(key, '***') if key else text}")
        if plan.secret:
            typer.echo(f"The first start removes from the card: {', '.join(plan.secret)}")
        if dry_run:
            typer.echo("Nothing was written.")
            return
        write_plan(plan, boot)
        typer.echo(f"Written. Take the card out safely and start the device with it; then: ssh {user}@{host_name}.local")
