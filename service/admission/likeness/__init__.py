"""Where else a text stands: keyed marks of paragraphs, compared without opening another chart."""
