"""The drop folder: what lies in it whole is taken in, oldest first, and filed by what became of it."""
