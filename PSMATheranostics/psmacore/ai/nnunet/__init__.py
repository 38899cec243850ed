"""Models of the hospital's own that nnU-Net v2 trained: opened as tensors alone, run by nnU-Net itself."""
