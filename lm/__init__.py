"""A small language-model library: tokenizer, models, training, generation, evaluation."""
