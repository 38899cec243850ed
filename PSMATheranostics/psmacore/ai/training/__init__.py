"""Recipes and cases to trained weights."""
