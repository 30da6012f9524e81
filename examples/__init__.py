"""A small catalogue of public-domain books to try the recommender on."""

from pathlib import Path


def books_file() -> Path:
    """Return the path of books.jsonl, one book as a JSON object per line."""
    return Path(__file__).with_name("books.jsonl")
