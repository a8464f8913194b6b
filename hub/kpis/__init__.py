"""Key figures, kept: counted with every change, summed for a window, told to whoever asks."""
