"""Trains a student with PyTorch: TRL's SFTTrainer on Grappa's rows, in its order, by its weights."""
