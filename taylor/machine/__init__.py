"""Programs as machine code, whatever writes the code."""
