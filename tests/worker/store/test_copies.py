import pytest
import s3fs
from moto.server import ThreadedMotoServer

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.store.archive import read, write
from kaizen_worker.store.copies import Copies

DAY = 86_400_000_000
CUTOFF = 1_740_787_200_000_000


@pytest.fixture(scope="module")
def s3():
    """Address of a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def url(request, tmp_path, monkeypatch):
    """A place of each kind, empty."""
    if request.param == "file":
        return f"file://{tmp_path}/elsewhere"
    address = request.getfixturevalue("s3")
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"b{abs(hash(tmp_path)):x}"
    s3fs.S3FileSystem().mkdir(bucket, region_name="eu-central-1")
    return f"s3://{bucket}/kaizen"


@pytest.fixture
def copies(url):
    return Copies(url, "acme")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archives"


def save(folder, lines=(b"one\n", b"two\n"), *, kind="notes", cutoff=CUTOFF):
    return write(folder, kind=kind, cutoff=cutoff, parts=[("a", lines), ("b", [b"x" * 100_000])])


def names(copies):
    return sorted(copies._list())


def spoil(copies, name):
    """One byte in the middle differs."""
    content = bytearray(copies._files.cat_file(copies._path(name)))
    content[len(content) // 2] ^= 1
    copies._files.pipe_file(copies._path(name), bytes(content))


def test_a_copy_comes_back_as_it_was(copies, folder, tmp_path):
    path = save(folder)
    assert copies.names() == []
    assert copies.add(folder) == copies.names() == [path.name]
    back = copies.fetch(path.name, tmp_path / "back")
    assert [(part, list(lines)) for part, lines in read(back)] == [(part, list(lines)) for part, lines in read(path)]
    assert {file.name: file.read_bytes() for file in back.parent.glob("*z*")} == {
        file.name: file.read_bytes() for file in folder.glob("*z*")
    }


def test_what_is_there_is_not_copied_again_and_what_differs_is_replaced(copies, folder):
    path = save(folder)
    copies.add(folder)
    assert copies.add(folder) == []
    save(folder, [b"three\n"])
    assert copies.add(folder) == [path.name]
    copies.prune(before=0)
    assert names(copies) == sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
    assert copies.verify(path.name).count == 2


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_byte_that_differs_is_refused_with_the_file_named(copies, folder, tmp_path, which):
    save(folder)
    copies.add(folder)
    (name,) = copies.names()
    spoiled = names(copies)[which]
    spoil(copies, spoiled)
    for use in (copies.verify, lambda name: copies.fetch(name, tmp_path / "back")):
        with pytest.raises(Invalid, match=spoiled):
            use(name)
    assert list((tmp_path / "back").glob("*json")) == []


def test_a_part_that_is_lost_is_named(copies, folder):
    path = save(folder)
    copies.add(folder)
    part = names(copies)[0]
    copies._files.rm_file(copies._path(part))
    with pytest.raises(Invalid, match=f"{part}: absent"):
        copies.verify(path.name)
    with pytest.raises(Invalid, match="never: absent"):
        copies.verify("never")


def test_a_copy_that_was_interrupted_is_none_until_it_is_made_again(copies, folder, monkeypatch):
    path = save(folder)

    def dies(*_, **__):
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(copies._files, "pipe_file", dies)  # what puts the manifest, which is last
        with pytest.raises(Unavailable, match="the power went"):
            copies.add(folder)
    assert (len(names(copies)), copies.names()) == (2, [])
    assert copies.add(folder) == [path.name]


def test_past_their_days_copies_go_and_the_last_good_one_stays(copies, folder):
    days = [save(folder, [b"%d\n" % day], cutoff=CUTOFF + day * DAY) for day in range(3)]
    copies.add(folder)
    spoil(copies, days[2].name)
    assert copies.prune(before=CUTOFF + 99 * DAY) == [days[0].name, days[2].name]
    assert copies.names() == [days[1].name]
    assert copies.prune(before=CUTOFF + 99 * DAY) == []


def test_a_damaged_archive_is_not_copied(copies, folder):
    save(folder)
    part = next(folder.glob("*.gz"))
    part.write_bytes(b"")
    with pytest.raises(Invalid, match=part.name):
        copies.add(folder)
    assert copies.names() == []


def test_a_place_of_a_kind_that_nobody_knows_says_so():
    with pytest.raises(Invalid, match=r"elsewhere://\w+: archives cannot be copied there"):
        Copies("elsewhere://place", "acme")


def test_a_place_that_does_not_answer_is_told_without_its_password(folder):
    save(folder)
    with pytest.raises(Unavailable) as told:
        Copies("ftp://me:secret@127.0.0.1:1/kaizen", "acme").add(folder)
    assert "secret" not in str(told.value)
