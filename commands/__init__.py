"""The `andon` CLI, one module per noun: parse, call, render."""
