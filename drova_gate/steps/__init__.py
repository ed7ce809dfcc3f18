"""Preparation as data: recipes and lockdown policies, compiled into one script, applied and confirmed."""
