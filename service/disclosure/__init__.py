"""Disclosure: on which lawful basis which items leave, with which duties, and how it is proven afterwards."""
