"""Write the reference pages: `python -m docs_reference`."""

from __future__ import annotations

import sys
from pathlib import Path

from docs_reference import api, commands, events, metrics, settings, topics

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
HEAD = "<!-- Written by `python -m docs_reference`; do not edit. -->\n\n"


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}\n")


def generated() -> dict[Path, str]:
    """Path to content of everything that is written."""
    pages = {
        "settings": settings.page(),
        "events": events.page(),
        "topics": topics.page(),
        "metrics": metrics.page(),
        "api": api.page(),
        "commands": commands.page(),
    }
    return {FOLDER / f"{name}.md": f"{HEAD}{text.strip()}\n" for name, text in pages.items()}


if __name__ == "__main__":
    main()
