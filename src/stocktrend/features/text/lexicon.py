"""Lexicons: data files of terms, and the tokeniser that both scorers share."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

# Addresses and names of accounts come first, so that nothing inside them counts; of a number only
# the sign of a change is kept. A full stop ends a clause after a word of two letters or more.
TOKEN: Final = re.compile(
    r"https?://\S+|[@$#]\w+|[a-z]+(?:'t\b)?|[:;]-?[()d](?!\w)|[+-](?=\d+\.?\d*%)|(?<=[a-z]{2})\.(?!\w)"
    r"|[,;:|]|[\u2600-\u27bf\U0001f300-\U0001faff]"
)
COMMENT: Final = "#"
CODE_POINT: Final = "U+"
VOWELS: Final = frozenset("aeiou")


def tokens_of(text: str) -> list[str]:
    """Lower-case words, signs of changes, emoticons and the punctuation that ends a clause."""
    return TOKEN.findall(text.lower().replace("\u2019", "'").replace("'s", ""))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a term means: its kind and its weight."""

    kind: str
    weight: float


@dataclass(frozen=True)
class Lexicon:
    """Terms by their words.

    Attributes:
        words: Single tokens.
        phrases: First token of a phrase -> (its other tokens, entry), longest first.
    """

    words: dict[str, Entry]
    phrases: dict[str, tuple[tuple[tuple[str, ...], Entry], ...]]

    def find(self, tokens: list[str]) -> list[tuple[int, int, Entry]]:
        """Hits of a token list as (position, length, entry), ascending; the longest term wins."""
        words, phrases = self.words, self.phrases
        hits = []
        taken = 0
        for position, token in enumerate(tokens):
            if position < taken:
                continue
            if token in phrases:
                for rest, entry in phrases[token]:
                    end = position + 1 + len(rest)
                    if tuple(tokens[position + 1 : end]) == rest:
                        hits.append((position, len(rest) + 1, entry))
                        taken = end
                        break
                if position < taken:
                    continue
            found = words.get(token)
            if found is not None:
                hits.append((position, 1, found))
        return hits


@lru_cache(maxsize=8)
def load_lexicon(name: str) -> Lexicon:
    """The lexicon of a data file in this package; its head describes the format."""
    text = files("stocktrend.features.text").joinpath(f"lexicons/{name}.txt").read_text("utf-8")
    return parse_lexicon(text)


def parse_lexicon(text: str) -> Lexicon:
    """Parse lines ``kind weight: terms``.

    Example:
        >>> sorted(parse_lexicon("tone -1: slip** fall_short").words)
        ['slip', 'slipped', 'slipping', 'slips']
    """
    words: dict[str, Entry] = {}
    phrases: dict[str, dict[tuple[str, ...], Entry]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith(COMMENT):
            continue
        head, _, terms = line.partition(": ")
        kind, weight = head.split()
        entry = Entry(kind, float(weight))
        for term in terms.split():
            for form in _forms(term):
                first, *rest = form.split("_")
                if rest:
                    phrases.setdefault(first, {})[tuple(rest)] = entry
                else:
                    words[first] = entry
    longest_first = {
        first: tuple(sorted(rests.items(), key=lambda item: -len(item[0])))
        for first, rests in phrases.items()
    }
    return Lexicon(words, longest_first)


def _forms(term: str) -> list[str]:
    """A term of a data file with the inflections that its mark asks for."""
    if term.startswith(CODE_POINT):
        return [chr(int(term.removeprefix(CODE_POINT), 16))]
    if term.endswith("+"):
        noun = term[:-1]
        return [noun, _with_s(noun)]
    if not term.endswith("*"):
        return [term]
    verb = term.rstrip("*")
    stem = verb + verb[-1] if term.endswith("**") else verb
    if verb.endswith("e"):
        return [verb, verb + "s", verb + "d", verb[:-1] + "ing"]
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return [verb, _with_s(verb), verb[:-1] + "ied", verb + "ing"]
    return [verb, _with_s(verb), stem + "ed", stem + "ing"]


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "sh", "ch", "z")) else "s")
