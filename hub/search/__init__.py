"""Search: which transactions may contain a text, found without looking at each.

An index of every run of three characters is written behind the store, in a file of its own that can be thrown away: it
is made again from the store. It only says where to look. Whether the text is there is always looked up in the store,
and what the index does not know yet is looked at directly, so that an answer is right however far behind the index is;
being behind costs time and nothing else.
"""
