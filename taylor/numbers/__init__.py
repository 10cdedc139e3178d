"""Which number: the plain value of a function, of any kind of number."""
