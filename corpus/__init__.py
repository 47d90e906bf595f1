"""Reads lecture material: files in, documents and passages out."""
