"""Fills fuzz/corpus with what the fuzzing targets start from: the programs, graphs and data files of the repository, and a small file of
each format and of each way of packing it that the repository has none of. Takes no arguments; needs Python alone."""

import gzip
import io
import pathlib
import struct
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
PROGRAMS = ["examples", "std", "tests/crashes", "tests/kernels", "tests/language", "tests/nonfinite", "tests/programs", "tests/references", "tests/ui"]
# Longer files are cut: the fuzzer spoils small ones faster.
LONGEST = 4096


def keep(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content[:LONGEST])


def files(folder, pattern):
    return sorted((ROOT / folder).glob(pattern))


def npy(kind, shape, content, version=1, fortran=False):
    header = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    length = struct.Struct("<H" if version == 1 else "<I")
    header += b" " * (-(len(header) + 9 + length.size) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + length.pack(len(header)) + header + content


def npz(method, arrays):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, array in arrays.items():
            archive.writestr(name + ".npy", array)
    return out.getvalue()


def idx(kind, shape, content):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


def safetensors(header, content):
    header = header.encode()
    return struct.pack("<Q", len(header)) + header + content


def made():
    numbers = struct.pack("<6f", 0, 1, -1, 0.5, 1e30, float("nan"))
    doubles = struct.pack("<4d", 0, 1, -1, 0.5)
    whole = struct.pack("<4i", 0, 1, -1, 7)
    labels = struct.pack("<3q", 0, 1, 2)
    arrays = {"x": npy("<f4", (3, 2), numbers), "y": npy("<i8", (3,), labels)}
    pictures = idx(8, (2, 3, 3), bytes(range(18)))
    yield "a.npy", arrays["x"]
    yield "b.npy", npy("<f8", (2, 2), doubles, version=2, fortran=True)
    yield "c.npy", npy("|b1", (4,), b"\0\1\1\0", version=3)
    yield "d.npy", npy(">i4", (4,), whole)
    yield "e.npy", npy("|u1", (), b"\7")
    yield "f.npy", npy("<f4", (0, 2), b"")
    yield "a.npz", npz(zipfile.ZIP_STORED, arrays)
    yield "b.npz", npz(zipfile.ZIP_DEFLATED, arrays)
    yield "c.npz", npz(zipfile.ZIP_DEFLATED, {})
    yield "a.idx", pictures
    yield "b.idx", idx(8, (3,), b"\0\1\2")
    yield "c.idx", idx(13, (1, 2), struct.pack(">2f", 1, 2))
    yield "d.idx", idx(12, (2,), struct.pack(">2i", 1, -2))
    yield "a.idx.gz", gzip.compress(pictures, mtime=0)
    yield "b.idx.gz", gzip.compress(pictures[:20], mtime=0) + gzip.compress(pictures[20:], mtime=0)
    yield "a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)
    yield "a.csv", b'\xef\xbb\xbfa,"b,c",d\r\n1,2.5,x\r\n3,NA,"y ""z"""\r\n"4",5e3,x\r\n'
    yield "b.csv", b"a;b\n1;2\n\n3;4"
    yield "c.csv", b"time,label\n2024-01-01,0\n-1e-3,1\ninf,2\n"
    yield "a.jsonl", b'{"a": 1, "b": [1, 2.5], "c": "x"}\n{"a": null, "b": [3, 4], "c": {"d": true}}\n'
    yield "b.jsonl", b'[{"a": 1}, {"a": 2e3}]'
    yield "a.txt", "abc äöü\nabc \U0001f600\n".encode()
    yield "a.safetensors", safetensors('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8))
    yield "b.safetensors", safetensors(
        '{"__metadata__":{"a":"b"},"v":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"w":{"dtype":"I32","shape":[1,2],"data_offsets":[8,16]}}',
        bytes(16),
    )


def main():
    for folder in PROGRAMS:
        for path in files(folder, "*.dlm"):
            for target in ["source", "program"]:
                keep(target, f"{folder.replace('/', '-')}-{path.name}", path.read_bytes())
    for path in files("tests/passes", "*.txt"):
        for number, graph in enumerate(path.read_text().split("\n---\n")):
            keep("graph", f"{path.stem}-{number}.txt", graph.encode())
            keep("native", f"{path.stem}-{number}.txt", graph.encode())
    for folder in ["examples/data", "tests/ui", "tests/nonfinite", "tests/references"]:
        for pattern in ["*.csv", "*.npz", "*.safetensors"]:
            for path in files(folder, pattern):
                # What is cut is no archive any more, but still a table.
                if path.suffix == ".csv" or path.stat().st_size <= LONGEST:
                    keep("data", path.name, path.read_bytes()[:1024] if path.suffix == ".csv" else path.read_bytes())
    for folder, pattern in [("parquet", "*.parquet"), ("pictures", "*.png"), ("pictures", "*.jpg")]:
        for path in files(f"src/data/tests/{folder}", pattern):
            keep("data", path.name, path.read_bytes())
    for name, content in made():
        keep("data", name, content)
    # A place among the first numbers of a state, and what is put there.
    for place in range(24):
        for number in [0, 2**31, 2**64 - 1]:
            keep("state", f"{place}-{number}", struct.pack("<HQ", place, number))


main()
