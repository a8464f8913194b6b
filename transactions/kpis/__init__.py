"""Key figures of the flows: what each of them means, over which window, and how a week's service levels are told."""
