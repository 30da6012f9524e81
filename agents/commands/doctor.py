"""`headwater doctor`: is everything as it should be, and what to do where it is not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from agents.commands.checking import (
    check_broker,
    check_installation,
    check_libraries,
    check_machine,
    check_model,
)
from agents.commands.surroundings import run
from agents.diagnosis import Finding
from agents.settings import load_settings
from streams.errors import BadSetting

_STYLES = {"ok": "green", "warning": "yellow", "failure": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Check everything Headwater stands on; say what to do where something is wrong.

    Exit code 0 without a failure, else 1.  Nothing is changed.  It takes some 10 s, most of them
    for loading the encoder.

    Example: headwater doctor --json | jq '.findings[] | select(.level != "ok")'
    """
    logging.disable()  # what the libraries complain of comes out as a finding
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    for finding in _examine():
        findings.append(finding)
        if not as_json:
            console.print(_line(finding))
    failed = any(finding.level == "failure" for finding in findings)
    if as_json:
        report = {"ok": not failed, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(report))
    if failed:
        raise typer.Exit(1)


def _examine() -> Iterator[Finding]:
    yield from check_installation()
    try:
        settings = load_settings()
    except BadSetting as error:
        yield Finding("failure", "settings", str(error), "nothing further was checked")
        return
    yield from check_machine(settings)
    yield from run(check_broker(settings))
    yield from run(check_model(settings.model))
    yield from check_libraries()


def _line(finding: Finding) -> Text:
    text = Text(f"{finding.level:<8} ", _STYLES[finding.level])
    text.append(f"{finding.name:<9} ", "default not bold")
    text.append(finding.text, "default not bold")
    if finding.advice:
        text.append(f"\n{'':19}→ {finding.advice}", "default not bold")
    return text
