"""The smallest change of policies that would let a refused call pass, for people to decide on."""
