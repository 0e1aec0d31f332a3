#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the byte-level BPE of the tiny model and writes tokenizer.json and tokenizer_config.json.

The pipeline (NFC, Qwen's split pattern, ByteLevel) and the added tokens with their flags are Qwen3's; only the ids of the
added tokens differ, since they follow the ordinary vocabulary. The text is 60,000 generated conversations, without those that reverse a word (reversed words
should not become tokens), and, as general English, the language topics that ship with Python (`pydoc_data.topics`). The chat
template stays the one that tokenizer_config.json already holds: Qwen3's, unchanged.
"""

import argparse
import json
import pathlib
import pydoc_data.topics
import random
import re

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from conversations import segments, training_conversation

ORDINARY = 4096
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ("<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> <|quad_start|> "
           "<|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>").split()
ADDED = ("<tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> "
         "<tool_response> </tool_response> <think> </think>").split()


def corpus(conversations: int):
    rng = random.Random("tokenizer")
    border = re.compile("|".join(map(re.escape, (*SPECIAL, *ADDED))))
    for _ in range(conversations):
        talk = training_conversation(rng)
        if not any(m["content"].isalpha() and m["content"].islower() for m in talk.messages):
            yield from border.split("".join(text for text, _ in segments(talk)))
    yield from pydoc_data.topics.topics.values()


def train(conversations: int) -> dict:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=ORDINARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), min_frequency=2,
                                  show_progress=False)
    tokenizer.train_from_iterator(corpus(conversations), trainer)
    data = json.loads(tokenizer.to_str())
    data["decoder"] = data["post_processor"]
    if len(data["model"]["vocab"]) != ORDINARY:
        raise SystemExit(f"expected {ORDINARY} ordinary tokens, found {len(data['model']['vocab'])}")
    return data


def added_tokens() -> dict:
    return {ORDINARY + i: {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                           "special": content in SPECIAL} for i, content in enumerate((*SPECIAL, *ADDED))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--conversations", type=int, default=60000)
    arguments = parser.parse_args()
    data = train(arguments.conversations)
    data["added_tokens"] = [{"id": i} | token for i, token in added_tokens().items()]
    (arguments.directory / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path = arguments.directory / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["added_tokens_decoder"] = {str(i): token for i, token in added_tokens().items()}
    path.write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
