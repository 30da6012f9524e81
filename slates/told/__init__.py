"""Sentences that a language model makes of reasons, each proven against what it cites."""
