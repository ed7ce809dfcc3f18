"""Pure decisions: facts in, actions out; no clock, no network, no asyncio."""
