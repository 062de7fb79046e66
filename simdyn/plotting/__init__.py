"""Figures. Nothing here is imported before a figure is asked for."""
