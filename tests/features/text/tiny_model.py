"""A classifier of texts in a folder, of random weights and a vocabulary of a few words."""

from pathlib import Path

WORDS = [
    *("profit", "loss", "rises", "falls", "sharply", "the", "a", "of", "company", "shares"),
    *("outlook", "and", ".", ",", "##s", "##ing"),
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTIMENT = ("positive", "negative", "neutral")


def make_model(folder: Path, labels: tuple[str, ...] = SENTIMENT, seed: int = 0) -> Path:
    """Write a BERT of two layers with these labels, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*SPECIAL, *WORDS]) + "\n")
    tokenizer = BertTokenizerFast(str(vocabulary), model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        initializer_range=0.2,  # so that texts differ
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def some_texts(count: int) -> list[str]:
    """Distinct texts of one word to a hundred."""
    return [
        " ".join(WORDS[(number * step + step) % 14] for step in range(1, 2 + number % 100))
        + f" {number}"
        for number in range(count)
    ]
