"""
Is a sentence of a language model proven by the reasons that it cites?

A sentence is proven if all of it is: names in quotes, claims that the evidence bears out, each as a
whole, and words of a closed list that claim nothing.  What cannot be read so is not proven, whether
it is true or not: a number in words, a denial, a superlative, another language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slates.told.claims import Record, bears_out, claimable
from slates.told.names import Marked, mark_names
from slates.told.pieces import Token, read_text, tokens_of
from slates.told.tongues import Claim, Tongue

LONGEST = 400
"""Characters of a sentence without its names; a reason is one line."""
MOST_READ = 4_000
"""Characters with them."""
PROFILE = "profile"
"""The kind of evidence whose text is trusted, so that pieces of it may be said without quotes."""


class Proof(NamedTuple):
    """What a sentence says, or what is wrong with it."""

    used: tuple[int, ...] = ()
    """Places of the records whose facts it says, in their order."""
    fault: str = ""
    """What is not proven; may hold words of strangers.  Empty for a proven sentence."""


class _Step(NamedTuple):
    end: int
    record: int | None = None
    piece: bool = False


def prove(text: str, records: Sequence[Record], *, title: str, tongue: Tongue) -> Proof:
    """
    Prove a sentence.

    Args:
        text: The sentence, or several.
        records: What it cites.
        title: Of the item that it is about.
        tongue: The language it is in.

    >>> from slates.told.tongues import load_tongue
    >>> dune = Record("co-visit", {"titles": ["Dune"], "people": 31, "of": 40})
    >>> def proof(text):
    ...     return prove(text, [dune], title="Emma", tongue=load_tongue("en"))
    >>> proof("31 of the 40 people who came to “Dune” went on to this, so you may enjoy “Emma”.")
    Proof(used=(0,), fault='')
    >>> proof("40 of the 31 people who came to “Dune” went on to this.").fault
    "'40 of the 31 people who came t'"
    """
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text):
        return Proof(fault="control characters")
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(plain) <= MOST_READ:
        return Proof(fault=f"{len(plain)} characters, expected 1 to {MOST_READ}")
    names = [name for record in records for name in _names(record)]
    marked = mark_names(plain, [unicodedata.normalize("NFC", n) for n in (*names, title) if n])
    if marked.fault:
        return Proof(fault=marked.fault)
    if len(marked.text) > LONGEST:
        return Proof(fault=f"{len(marked.text)} characters beside names, expected {LONGEST}")
    return _Reading(marked, records, title, tongue).proof()


def _names(record: Record) -> Iterator[str]:
    for slot in ("titles", "words"):
        yield from record.evidence.get(slot, ())
    if "phrase" in record.evidence:
        yield record.evidence["phrase"]
    if record.kind == PROFILE:
        yield record.evidence["text"]


@dataclass(slots=True)
class _Reading:
    """All ways to read a sentence, from its beginning on."""

    marked: Marked
    records: Sequence[Record]
    title: str
    tongue: Tongue
    furthest: int = 0
    tokens: Sequence[Token] = ()
    token_at: Mapping[int, int] = field(default_factory=dict)
    claims: Sequence[tuple[int, Claim]] = ()

    def proof(self) -> Proof:
        """The first way that reads all of it and says something."""
        self.tokens = tokens_of(self.marked.text)
        self.token_at = {token.begin: k for k, token in enumerate(self.tokens)}
        self.claims = [
            (k, claim)
            for k, record in enumerate(self.records)
            for claim in claimable(record, self.tongue)
        ]
        used = self._read()
        if used is None:
            return Proof(fault=repr(self.marked.text[self.furthest :][:30]))
        return Proof(used) if used else Proof(fault="it says nothing of what it cites")

    def _read(self) -> tuple[int, ...] | None:
        """Places of what is said; None where it cannot be read to its end."""
        text, dead = self.marked.text, set[tuple[int, bool, bool]]()
        ways: list[tuple[int, bool, frozenset[int]]] = [(0, False, frozenset())]
        silent: tuple[int, ...] | None = None
        while ways:
            at, after_piece, used = ways.pop()
            begin = self._skip(at)
            self.furthest = max(self.furthest, begin)
            if begin == len(text):
                if used:
                    return tuple(sorted(used))
                silent = ()
                continue
            after_piece = after_piece and text[at:begin].strip() == ""
            state = begin, after_piece, bool(used)
            if state in dead or not self._is_boundary(begin):
                continue
            dead.add(state)
            for step in reversed(list(self._steps(begin, after_piece=after_piece))):
                said = used if step.record is None else used | {step.record}
                ways.append((step.end, step.piece, said))
        return silent

    def _skip(self, at: int) -> int:
        """Past spaces and punctuation."""
        text = self.marked.text
        while at < len(text) and (text[at] == " " or text[at] in self.tongue.points):
            at += 1
        return at

    def _is_boundary(self, at: int) -> bool:
        """Can a word end, or a new one begin, here?"""
        before, here = self.marked.text[at - 1 : at], self.marked.text[at : at + 1]
        if before.isnumeric() and here.isnumeric():
            return False
        return not (self.tongue.spaced and before.isalnum() and here.isalnum())

    def _steps(self, at: int, *, after_piece: bool) -> Iterator[_Step]:
        """What can be read from here, what says most first."""
        text, marked = self.marked.text, self.marked.names
        for k, claim in self.claims:
            found = claim.pattern.match(text, at)
            if (
                found
                and found.end() > at
                and self._is_boundary(found.end())
                and bears_out(self.records[k], found, names=marked, title=self.title)
            ):
                yield _Step(found.end(), k)
        if not after_piece:
            yield from self._pieces(at)
        if marked.get(text[at]) == self.title:
            yield _Step(at + 1)
        yield from self._fillings(at)

    def _pieces(self, at: int) -> Iterator[_Step]:
        """Of trusted texts: all of one in quotes, or a run of its words without."""
        for k, record in enumerate(self.records):
            if record.kind != PROFILE:
                continue
            if self.marked.names.get(self.marked.text[at]) == record.evidence["text"]:
                yield _Step(at + 1, k)
            if at in self.token_at:
                source = read_text(str(record.evidence["text"]), self.tongue)
                for end in source.ends(self.tokens, self.token_at[at]):
                    yield _Step(self.tokens[end - 1].end, k, piece=True)

    def _fillings(self, at: int) -> Iterator[_Step]:
        """Every word or phrase that claims nothing, the longest first."""
        text = self.marked.text
        for words in self.tongue.filling.get(text[at].lower(), ()):
            end = at + len(words)
            if text[at:end].lower() == words and self._is_boundary(end):
                yield _Step(end)
