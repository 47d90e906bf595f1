"""Embeds passages, keeps them in a store on disk, and searches it."""
