"""Undoes what samplers upstream did: how many calls stand behind each that came."""
