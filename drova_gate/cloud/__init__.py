"""The Drova API: typed answers, errors named by reaction, caches."""
