"""What the traffic at a gateway says of its policies: what nobody uses, whom they stop, what ends soon."""
