"""The back end: LLVM text, compiled and kept; nothing outside writes any."""
