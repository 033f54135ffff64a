"""The lexicon files and how they are read."""

import pytest

from stocktrend.features.text.lexicon import Entry, Lexicon, load_lexicon, parse_lexicon, tokens_of

KINDS = {"tone", "motion", "change", "object", "negate", "scale", "clause"}
ONLY_BETWEEN_WORDS = {"+", "-", "."}
"""Tokens next to a number or a word alone: they do not stand by themselves."""


def terms(lexicon: Lexicon) -> list[list[str]]:
    phrases = [[first, *rest] for first, rests in lexicon.phrases.items() for rest, _ in rests]
    return [[word] for word in lexicon.words if word not in ONLY_BETWEEN_WORDS] + phrases


@pytest.mark.parametrize("name", ["headlines", "policy"])
def test_every_entry_is_of_a_known_kind_and_a_modest_weight(name: str) -> None:
    lexicon = load_lexicon(name)
    phrases = [entry for rests in lexicon.phrases.values() for _, entry in rests]
    entries = [*lexicon.words.values(), *phrases]
    assert {entry.kind for entry in entries} == KINDS
    assert all(abs(entry.weight) <= 3 for entry in entries)
    assert all(entry.weight < 0 for entry in entries if entry.kind == "negate")


@pytest.mark.parametrize("name", ["headlines", "policy"])
def test_every_term_can_occur_in_a_text(name: str) -> None:
    for term in terms(load_lexicon(name)):
        assert tokens_of(" ".join(term)) == term


def test_verbs_and_nouns_are_inflected_as_marked() -> None:
    words = parse_lexicon("tone 1: raise* rally* jump* pop** loss+ cost+ worry+ U+1F680").words
    expected = (
        "raise raises raised raising rally rallies rallied rallying jump jumps jumped jumping "
        "pop pops popped popping loss losses cost costs worry worries \U0001f680"
    )
    assert set(words) == set(expected.split())


def test_endings_follow_the_spelling_of_the_word() -> None:
    words = parse_lexicon("tone 1: delay* push* box+ day+ waltz+ approach+ guess* fly* tag**").words
    expected = (
        "delay delays delayed delaying push pushes pushed pushing box boxes day days waltz waltzes "
        "approach approaches guess guesses guessed guessing fly flies flied flying "
        "tag tags tagged tagging"
    )
    assert set(words) == set(expected.split())


def test_a_term_is_found_where_a_phrase_begins_like_it_but_goes_on_otherwise() -> None:
    lexicon = parse_lexicon(
        "# tone 9: raise\n\ntone 1: raise_a_bet fold\nmotion 2: raise\nobject 3: a"
    )
    hits = lexicon.find(
        ["raise", "a", "bet", "raise", "a", "raise", "a", "bet", "fold", "a", "raise"]
    )
    assert [(position, length, entry.weight) for position, length, entry in hits] == [
        (0, 3, 1.0), (3, 1, 2.0), (4, 1, 3.0), (5, 3, 1.0), (8, 1, 1.0), (9, 1, 3.0), (10, 1, 2.0),
    ]  # fmt: skip


def test_the_longest_phrase_wins() -> None:
    lexicon = parse_lexicon("tone 1: high high_court\ntone 2: high_court_judge")
    tokens = tokens_of("High court judge, high court, high")
    assert [(hit[0], hit[1], hit[2].weight) for hit in lexicon.find(tokens)] == [
        (0, 3, 2.0),
        (4, 2, 1.0),
        (7, 1, 1.0),
    ]


def test_a_later_line_replaces_an_earlier_one() -> None:
    assert parse_lexicon("tone 1: up\nmotion 2: up").words["up"] == Entry("motion", 2.0)


def test_tokens_drop_addresses_names_and_numbers_but_keep_signs_of_change() -> None:
    text = "RT @desk: $ABC +7.8% in U.K. trade; ABC's 10-month high https://x.org/a:( :)"
    assert tokens_of(text) == [
        "rt", "@desk", ":", "$abc", "+", "in", "u", "k", "trade", ";", "abc", "month", "high",
        "https://x.org/a:(", ":)",
    ]  # fmt: skip
