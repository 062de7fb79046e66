"""Studies: one module for each set of claims."""
