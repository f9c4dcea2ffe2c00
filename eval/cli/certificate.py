"""`lethe eval certify` and `lethe eval verify`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.cli.console import reported

if TYPE_CHECKING:
    from serving.client import AdminClient

certificates = typer.Typer()
EXIT_STATUS = {"valid": 0, "altered": 3, "foreign": 4}


@certificates.command()
def certify(
    target: Annotated[str, typer.Option(help="Id of the forget target.")],
    url: Annotated[
        str, typer.Option(help="Base URL of the guarded data plane, without /v1.")
    ] = "http://127.0.0.1:8000",
    baseline_url: Annotated[
        str, typer.Option(help="Base URL of the same model unprotected, to measure the state before suppression.")
    ] = "",
    enforce: Annotated[
        bool, typer.Option("--enforce", help="For a target in shadow mode: measure, enforce, and measure again.")
    ] = False,
    neighbours: Annotated[
        Path | None, typer.Option(help="File of rows with a `question` whose answers should not change.")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Random seed for the choice of facts, paraphrases and obfuscations.")
    ] = 0,
    facts: Annotated[int, typer.Option(min=1, help="Maximum number of facts and passages to ask for.")] = 50,
    key: Annotated[
        Path | None, typer.Option(help="Ed25519 key in PEM; default: one created in the data folder.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="File of the certificate; the HTML page is written next to it.")
    ] = Path("certificate.json"),
) -> None:
    """Measure that a target is suppressed at a running server, and sign the result."""
    with reported():
        from eval.certificate.measure import CertificateRequest, measure
        from eval.certificate.neighbours import load_neighbours
        from eval.certificate.page import page
        from eval.certificate.payload import payload
        from eval.certificate.signing import SigningKey
        from eval.core.errors import BadRun
        from eval.harness.atomic_file import write_result
        from guard.signatures import fingerprint
        from guard.signing import KEY_NAME
        from serving.settings import load

        if enforce and baseline_url:
            raise BadRun("--enforce and --baseline-url are two ways to measure the state before: choose one")
        signer = SigningKey.load(key) if key else SigningKey.load_or_make(load().data_dir / KEY_NAME)
        request = CertificateRequest(
            target=target, url=url, baseline_url=baseline_url, enforce=enforce, seed=seed, max_facts=facts
        )
        questions = load_neighbours(neighbours)
        measurement = measure(request, _admin_client(), questions, _steps())
        content = payload(measurement, request, signer)
        write_result(out, signer.sign(content).decode())
        write_result(out.with_suffix(".html"), page(content, signer.public, out.name))
    _print_summary(content)
    typer.echo(f"public key {signer.public}")
    typer.echo(f"fingerprint {fingerprint(signer.public)}")
    typer.echo(f"written: {out}, {out.with_suffix('.html')}")


@certificates.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate's JSON file.")],
    public_key: Annotated[
        str, typer.Option(help="Key that must have signed it: 64 hexadecimal digits, or a PEM file.")
    ] = "",
) -> None:
    """Check a certificate's signature: status 0 valid, 3 altered, 4 signed by another key, 1 not a certificate."""
    with reported():
        from eval.certificate.signing import public_key_of
        from guard.signatures import BadCertificate, SignatureStatus, check, fingerprint

        try:
            content = file.read_bytes()
        except OSError as error:
            raise BadCertificate(f"{file}: cannot be read ({error.strerror})") from None
        checked = check(content, public_key_of(public_key) if public_key else None)
    match checked.status:
        case SignatureStatus.ALTERED:
            typer.echo("altered: this is not what was signed; nothing in it is to be believed")
        case SignatureStatus.FOREIGN:
            typer.echo(f"signed by another key: fingerprint {fingerprint(checked.public_key)}")
        case SignatureStatus.VALID:
            typer.echo(f"valid: {checked.payload['statement']}")
            whose = "the key given" if public_key else "a key nobody vouched for (give --public-key to compare)"
            typer.echo(f"signed by {whose}, fingerprint {fingerprint(checked.public_key)}")
    raise typer.Exit(EXIT_STATUS[checked.status.value])


def _steps() -> Callable[[str, float], None]:
    """Return what prints each step and each further tenth of it, which the desk reads."""
    shown = ""

    def show(step: str, share: float) -> None:
        nonlocal shown
        line = f"{step}: {math.floor(share * 10)}0%"
        if line != shown:
            shown = line
            typer.echo(line, err=True)

    return show


def _admin_client() -> AdminClient:
    from eval.core.errors import EndpointFailed
    from serving.client import AdminClient, AdminError

    try:
        return AdminClient.from_environment()
    except AdminError as error:
        raise EndpointFailed(error.detail) from None


def _print_summary(content: Mapping[str, Any]) -> None:
    typer.echo(content["statement"])
    typer.echo(f"leaks now: {_rate_text(content['after']['all'])}")
    before = content["before"]
    typer.echo(f"before: {_rate_text(before['all'])}" if before["measured"] else f"before: {before['how']}")


def _rate_text(rate: dict[str, object]) -> str:
    counts = f"{rate['count']} of {rate['of']}"
    return f"{counts} probes, 95 % interval {rate['low']} to {rate['high']}" if "rate" in rate else counts
