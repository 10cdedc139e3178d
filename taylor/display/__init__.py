"""How objects show themselves: tables, graphs, pictures of patterns, plots; imported when shown."""
