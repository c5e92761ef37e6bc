import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.recording.frames import MAGIC, FrameWriter, read_frames


def write(path, payloads):
    writer = FrameWriter(path)
    for payload in payloads:
        writer.append(payload)
    writer.close()
    return path


@given(st.lists(st.binary(max_size=60), max_size=8), st.data())
def test_of_a_file_that_breaks_off_anywhere_every_whole_frame_can_be_read(tmp_path_factory, payloads, data):
    path = write(tmp_path_factory.mktemp("frames") / "x.rec", payloads)
    whole = path.read_bytes()
    assert read_frames(path) == (tuple(payloads), "")
    cut = data.draw(st.integers(len(MAGIC), len(whole)))
    path.write_bytes(whole[:cut])
    found = read_frames(path)
    assert found.payloads == tuple(payloads[: len(found.payloads)])
    assert bool(found.torn) == (cut != len(MAGIC) + sum(8 + len(payload) for payload in found.payloads))


def test_a_damaged_frame_is_told_and_what_comes_before_it_is_read(tmp_path):
    path = write(tmp_path / "x.rec", [b"one", b"two", b"three"])
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 8 + 3 + 8 + 1] ^= 0xFF
    path.write_bytes(bytes(data))
    found = read_frames(path)
    assert (found.payloads, found.torn) == ((b"one",), f"it is damaged at byte {len(MAGIC) + 11}")


def test_every_frame_is_in_the_file_before_it_is_closed(tmp_path):
    writer = FrameWriter(tmp_path / "x.rec")
    writer.append(b"one")
    assert read_frames(tmp_path / "x.rec").payloads == (b"one",)
    writer.close()


@pytest.mark.parametrize(
    ("name", "message"),
    [("notes.txt", "is not a recording"), ("", "is a folder"), ("nothing", "cannot be read")],
)
def test_what_is_no_recording_is_told(tmp_path, name, message):
    (tmp_path / "notes.txt").write_text("name: x\n")
    with pytest.raises(LabError, match=message):
        read_frames(tmp_path / name)


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(LabError, match="cannot be written: No such file"):
        FrameWriter(tmp_path / "no" / "x.rec")
