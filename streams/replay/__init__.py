"""A new generation of derived topics beside the live one: made from the shared topics, compared, switched to."""
