"""The ready watch, for every way a stream may be cut into chunks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.relay.ready import READY_BYTE, ReadyWatch

CHUNKS = st.lists(st.binary(min_size=1, max_size=8), max_size=12)
# Bytes around the ready byte, so that it is met often.
BUSY_CHUNKS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6).map(bytes), max_size=12)


@settings(deadline=None)
@given(CHUNKS | BUSY_CHUNKS)
def test_nothing_is_lost_and_exactly_the_bytes_before_the_ready_byte_pass(chunks: list[bytes]) -> None:
    """However the stream is cut: what passes is what stood before the first 0x01, what is held is the rest, in order."""
    stream = b"".join(chunks)
    at = stream.find(READY_BYTE)
    watch = ReadyWatch()

    splits = [watch.feed(chunk) for chunk in chunks]

    assert b"".join(split.passes for split in splits) == (stream if at < 0 else stream[:at])
    assert b"".join(split.held for split in splits) == (b"" if at < 0 else stream[at:])
    assert [split.passes + split.held for split in splits] == chunks
    assert watch.offset == (None if at < 0 else at)
    assert watch.seen is (at >= 0)


@settings(deadline=None)
@given(BUSY_CHUNKS, BUSY_CHUNKS)
def test_after_release_everything_passes(before: list[bytes], after: list[bytes]) -> None:
    """A released watch holds nothing any more, ready bytes or not, and remembers where the first one stood."""
    watch = ReadyWatch()
    for chunk in before:
        watch.feed(chunk)
    offset = watch.offset

    watch.release()

    assert [watch.feed(chunk).passes for chunk in after] == after
    assert watch.offset == offset


def test_a_glued_ready_byte_is_split_off() -> None:
    """The ready byte in the middle of a chunk: what came before passes, it and what follows waits."""
    watch = ReadyWatch()

    split = watch.feed(b"hello\x01world\x01")

    assert (split.passes, split.held, watch.offset) == (b"hello", b"\x01world\x01", 5)
