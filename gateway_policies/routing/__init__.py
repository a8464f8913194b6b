"""What the policies of a gateway come to for calls: which there are at a moment, who may make them, how often."""
