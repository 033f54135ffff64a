"""A model of a user's own: compared with the pipeline of transformers, and refused where unfit."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.text.tiny_model import SENTIMENT, make_model, some_texts
from stocktrend.errors import ConfigError
from stocktrend.features.text import ModelScorer
from stocktrend.features.text.model_folder import WEIGHTS, label_scores, model_digest

TEXTS = some_texts(120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_scores_are_those_of_the_pipeline_of_transformers(folder: Path) -> None:
    from transformers import pipeline

    peer = pipeline("text-classification", str(folder), tokenizer=str(folder), top_k=None)
    found = [
        {label["label"]: label["score"] for label in answer}
        for answer in peer(TEXTS, truncation=True)
    ]
    expected = [said["positive"] - said["negative"] for said in found]
    assert len(max(TEXTS, key=len).split()) > 64  # positions of the model: the longest are cut
    assert np.std(expected) > 0.02
    assert ModelScorer(folder).score(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_a_text_has_the_same_bits_whatever_stands_beside_it(folder: Path) -> None:
    whole = ModelScorer(folder, threads=1).score(TEXTS)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    scorer = ModelScorer(folder, threads=2)
    assert (scorer.score([TEXTS[place] for place in order]) == whole[order]).all()
    assert [scorer.score([text])[0] for text in TEXTS[:20]] == whole[:20].tolist()


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_the_size_of_a_batch_changes_nothing_beyond_rounding(folder: Path, batch: int) -> None:
    scores = ModelScorer(folder, batch=batch).score(TEXTS)
    assert scores == pytest.approx(ModelScorer(folder).score(TEXTS), abs=1e-6)


def test_no_text_and_empty_texts_are_scored_too(folder: Path) -> None:
    scorer = ModelScorer(folder)
    assert scorer.score([]).tolist() == []
    empty, unknown = scorer.score(["", "\U0001f680 \x00"])
    assert abs(empty) < 1
    assert abs(unknown) < 1


@pytest.mark.parametrize(
    ("labels", "given", "scores"),
    [
        (("negative", "neutral", "positive"), None, [-1, 0, 1]),
        (("Positive", "NEGATIVE"), None, [1, -1]),
        (("Bearish", "Neutral", "Bullish"), None, [-1, 0, 1]),
        (("NEG", "NEU", "POS"), None, [-1, 0, 1]),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), None, [-1, -0.5, 0, 0.5, 1]),
        (("LABEL_0", "LABEL_1"), {"label_1": -1, "LABEL_0": 0.25}, [0.25, -1]),
        (("positive", "negative"), {"positive": -1, "negative": 1}, [-1, 1]),
    ],
)
def test_labels_are_worth_what_they_say_or_the_settings_do(
    copy: Path, labels: tuple[str, ...], given: dict[str, float] | None, scores: list[float]
) -> None:
    edit(copy, id2label=dict(enumerate(labels)))
    assert label_scores(copy, given).tolist() == scores


def test_the_order_of_the_labels_is_the_models(tmp_path: Path, folder: Path) -> None:
    other = make_model(tmp_path / "turned", ("negative", "positive", "neutral"))
    assert ModelScorer(other).score(TEXTS) == pytest.approx(-ModelScorer(folder).score(TEXTS))


@pytest.mark.parametrize(
    ("changes", "labels", "part"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, None, "LABEL_0: ..., LABEL_1: ..."),
        ({"id2label": {"0": "positive", "1": "neutral"}}, None, "text.labels must say"),
        ({"id2label": {"0": "hawkish", "1": "positive", "2": "negative"}}, None, "hawkish: ..."),
        ({"id2label": {"0": "LABEL_0"}}, None, "has 1 and is of a regression"),
        ({"problem_type": "multi_label_classification"}, None, "multi_label_classification"),
        ({"id2label": {"0": "positive", "2": "negative"}}, None, "does not number the outputs"),
        ({"id2label": ["positive", "negative"]}, None, "can be read"),
        ({"id2label": []}, None, "can be read"),
        ({"architectures": 3}, None, "can be read"),
        ({"architectures": ["BertModel"]}, None, "names BertModel"),
        ({}, {"positive": 1, "negative": -1}, "Name these labels and no others"),
        ({}, {"positive": 1, "negative": -1, "neutral": 0, "mixed": 0}, "no others"),
    ],
)
def test_a_model_without_scores_to_read_is_refused(
    copy: Path, changes: dict[str, object], labels: dict[str, float] | None, part: str
) -> None:
    edit(copy, **changes)
    with pytest.raises(ConfigError) as refused:
        ModelScorer(copy, labels=labels)
    assert part in str(refused.value)
    assert "however" in str(refused.value)


def test_pickled_weights_are_refused_with_the_remedy(copy: Path) -> None:
    (copy / WEIGHTS[0]).rename(copy / "pytorch_model.bin")
    with pytest.raises(ConfigError, match=r"only pytorch_model\.bin.*save_pretrained"):
        ModelScorer(copy)


def test_all_that_a_folder_lacks_is_told_at_once(copy: Path) -> None:
    for name in ("vocab.txt", "tokenizer.json", WEIGHTS[0]):
        (copy / name).unlink()
    with pytest.raises(ConfigError) as refused:
        ModelScorer(copy)
    tokenizer, weights = refused.value.problems
    assert "must have a tokenizer" in tokenizer
    assert "Download model.safetensors into it" in weights


def test_a_folder_that_is_not_there_or_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no config\.json"):
        ModelScorer(tmp_path)
    with pytest.raises(ConfigError, match="Paths are relative to the data root"):
        model_digest(tmp_path / "gone")


def cut_weights(folder: Path) -> None:
    weights = folder / WEIGHTS[0]
    weights.write_bytes(weights.read_bytes()[:5000])


def lose_the_head(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    kept = {n: t for n, t in load_file(folder / WEIGHTS[0]).items() if "classifier" not in n}
    save_file(kept, folder / WEIGHTS[0], metadata={"format": "pt"})


def widen(folder: Path) -> None:
    edit(folder, hidden_size=64)


def invent_a_type(folder: Path) -> None:
    edit(folder, model_type="unheard_of")


def add_words(folder: Path) -> None:
    words = json.loads((folder / "tokenizer.json").read_text())
    words["model"]["vocab"] |= {f"word{number}": 21 + number for number in range(5)}
    (folder / "tokenizer.json").write_text(json.dumps(words))


def be_newer(folder: Path) -> None:
    """tokenizers raises an Exception and nothing finer."""
    words = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(words | {"version": "9.0"}))


def mistype(folder: Path) -> None:
    edit(folder, hidden_size="wide")


def read_nothing(folder: Path) -> None:
    """Fails at the first text, not before."""
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": -1}))


SPOILS = (cut_weights, lose_the_head, widen, invent_a_type, add_words, be_newer, mistype)


@pytest.mark.parametrize("spoil", [*SPOILS, read_nothing])
def test_what_cannot_be_loaded_whole_is_one_error_that_names_the_folder(
    copy: Path, spoil: object
) -> None:
    assert callable(spoil)
    spoil(copy)
    with pytest.raises(ConfigError, match=r"can load, however .*copy: .+\. Download all"):
        ModelScorer(copy).score(["profit rises"])


def test_a_folder_that_changed_before_it_was_read_lends_its_name_to_no_score(copy: Path) -> None:
    scorer = ModelScorer(copy)
    before = scorer.digest
    shutil.rmtree(copy)
    make_model(copy, seed=1)
    assert scorer.digest == before
    with pytest.raises(ConfigError, match="its files changed"):
        scorer.score(["profit rises"])
    assert ModelScorer(copy).digest != before


def test_code_in_the_folder_never_runs(copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (copy / "own.py").write_text(f"open({str(mark)!r}, 'w')\nclass Own: pass\n")
    automatic = {"AutoConfig": "own.Own", "AutoModelForSequenceClassification": "own.Own"}
    edit(copy, auto_map=automatic, model_type="own")
    with pytest.raises(ConfigError, match="can load"):
        ModelScorer(copy).score(["profit rises"])
    assert not mark.exists()


def test_every_file_that_decides_counts_in_the_digest_and_no_other(copy: Path) -> None:
    before = model_digest(copy)
    (copy / "README.md").write_text("About this model")
    assert model_digest(copy) == before
    for name in ("config.json", "tokenizer.json", WEIGHTS[0]):
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(copy / name, ns=(1, 1))
        assert model_digest(copy) != before
        (copy / name).write_bytes(content)
    assert model_digest(copy) == before


def test_what_labels_are_worth_decides_too(folder: Path) -> None:
    turned = ModelScorer(folder, labels={"positive": -1, "negative": 1, "neutral": 0})
    assert turned.digest != ModelScorer(folder).digest
    assert ModelScorer(folder, labels=dict(zip(SENTIMENT, (1, -1, 0), strict=True))).digest == (
        ModelScorer(folder).digest
    )


ALONE = """
import sys

called = []

def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "pickle.find_class"):
        called.append((event, str(arguments)))

sys.addaudithook(audit)
import stocktrend.features.text as text

assert "transformers" not in sys.modules and "torch" not in sys.modules
scorer = text.ModelScorer(sys.argv[1])
assert "transformers" not in sys.modules
score = scorer.score(["profit rises"])[0]
assert "transformers" in sys.modules
print(score, called)
"""


def test_scoring_calls_nobody_unpickles_nothing_and_is_silent(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(ModelScorer(folder).score(["profit rises"])[0]), "[]"]
    assert done.stderr == ""


def test_without_transformers_the_error_names_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stocktrend.features.text.classifier.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'stocktrend\[text\]'"):
        ModelScorer(folder)
