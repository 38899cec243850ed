"""A network and an image to logits, window by window, on the CPU or a GPU."""
