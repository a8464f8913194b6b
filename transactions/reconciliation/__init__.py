"""Where systems disagree, and what explains it. No I/O."""
