"""The idea: a table of differential equations, programs made of them, and one step rule."""
