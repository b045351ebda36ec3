"""Writes the files of this folder: `pip install pyarrow pandas fastparquet polars duckdb`, then `python make.py`."""
import datetime
import decimal

import duckdb
import fastparquet
import numpy
import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 12


def but(values, *missing):
    return [None if row in missing else value for row, value in enumerate(values)]


days = [datetime.date(1969, 12, 30) + datetime.timedelta(days=row * 31) for row in range(ROWS)]
moments = [datetime.datetime(2024, 2, 28, 0, 0) + datetime.timedelta(hours=row * 6, milliseconds=250 * (row % 3)) for row in range(ROWS)]
names = ["oak", "ash", "elm of the north", "oak", "ash", "oak", "ä ö", "oak", "oak", "ash", "elm", "oak"]
trees = pa.table(
    {
        "size": pa.array(but([0.1 * row - 0.3 for row in range(ROWS)], 3, 7), pa.float64()),
        "weight": pa.array([row / 4 for row in range(ROWS)], pa.float32()),
        "count": pa.array(but([10**12 - row**9 for row in range(ROWS)], 0), pa.int64()),
        "small": pa.array([row - 6 for row in range(ROWS)], pa.int8()),
        "large": pa.array([2**32 - 1 - row for row in range(ROWS)], pa.uint32()),
        "open": pa.array(but([row % 3 == 0 for row in range(ROWS)], 5), pa.bool_()),
        "name": pa.array(but(names, 4, 11), pa.string()),
        "day": pa.array(but(days, 2), pa.date32()),
        "at": pa.array(moments, pa.timestamp("us")),
        "price": pa.array([decimal.Decimal(row * 101 - 303) / 100 for row in range(ROWS)], pa.decimal128(9, 2)),
        "nothing": pa.array([None] * ROWS, pa.float64()),
    }
)


def write(name, table=trees, **options):
    pq.write_table(table, name + ".parquet", **options)


def written(value):
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case datetime.datetime():
            return value.isoformat()
        case _:
            return str(value)


with open("table.csv", "w") as file:
    file.write(",".join(trees.column_names) + "\n")
    for row in trees.to_pylist():
        file.write(",".join(written(value) for value in row.values()) + "\n")

write("plain", compression="none", use_dictionary=False, write_statistics=False)
write("dictionary", compression="none", use_dictionary=True)
write("snappy", compression="snappy")
write("gzip", compression="gzip", use_dictionary=False)
write("zstd", compression="zstd")
write("groups", row_group_size=5, data_page_size=16, compression="snappy")
write("sums", compression="snappy", write_page_checksum=True)
write("moments_of_old", use_deprecated_int96_timestamps=True, compression="none")
write(
    "encodings",
    data_page_version="2.0",
    use_dictionary=False,
    compression="gzip",
    column_encoding={
        "size": "BYTE_STREAM_SPLIT",
        "count": "DELTA_BINARY_PACKED",
        "small": "DELTA_BINARY_PACKED",
        "name": "DELTA_LENGTH_BYTE_ARRAY",
        "open": "RLE",
    },
)
polars.from_arrow(trees).write_parquet("polars.parquet")
duckdb.sql("COPY trees TO 'duckdb.parquet'")
frame = trees.to_pandas()
frame["price"] = frame["price"].astype(float)
frame["day"] = numpy.array(frame["day"], "datetime64[ns]")
fastparquet.write("fastparquet.parquet", frame, compression="SNAPPY", write_index=False)

few = {"a": [1, 2, 3]}
write("half", pa.table({"half": pa.array(numpy.array([0.5, -2, 65504], "f2")), "far": [1.5, float("inf"), float("nan")]}))
write("records", pa.table({"size": [{"high": 1.5, "wide": {"mm": 2}}, None, {"high": None, "wide": None}], **few}))
write("lists", pa.table({**few, "tags": [["x"], [], ["y", "z"]]}))
write("lz4", pa.table(few), compression="lz4")
write("prefixes", pa.table({"t": ["aa", "ab", "b"]}), use_dictionary=False, column_encoding={"t": "DELTA_BYTE_ARRAY"})
write("bytes", pa.table({"raw": pa.array([b"ok", b"\xff\xfe", b"ok"], pa.binary())}))
write("empty", pa.table({"a": pa.array([], pa.int32())}))
write("clock", pa.table({"t": pa.array([datetime.time(18, 30, 5, 250000), datetime.time(0, 0), None], pa.time64("us"))}))
write("twice", pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
