"""Training of small Llamas from scratch: tokenizer, batches, optimizer steps and checkpoints."""
