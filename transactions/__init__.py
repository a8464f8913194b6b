"""What a failed transaction is: model, state table, filter language, plans. No I/O, no printing."""
