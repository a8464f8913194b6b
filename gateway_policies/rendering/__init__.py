"""What was found and what is planned, in the forms that people and tools read."""
