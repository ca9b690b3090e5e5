"""Reads the vectors with independent libraries (cbor2, cobs, binascii) and prints what disagrees, one line each."""
import binascii
import io
import json
import math
import struct
import sys

import cbor2
import pycddl
from cobs import cobs

vectors, grammar = sys.argv[1:]
checked = 0


def load(name):
    with open(f"{vectors}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


def plain(notation):
    """The Python value of the notation in profiles/scripts/notation.ts; floats as (width, bits)."""
    if isinstance(notation, list):
        return [plain(item) for item in notation]
    if isinstance(notation, dict):
        [(key, value)] = notation.items()
        if key == "h":
            return bytes.fromhex(value)
        if key == "int":
            return int(value)
        if key == "map":
            return {plain(entry[0]): plain(entry[1]) for entry in value}
        return struct.unpack(">f" if key == "f32" else ">d", bytes.fromhex(value))[0]
    return notation


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


def holds_float(value):
    if isinstance(value, (list, tuple)):
        return any(holds_float(item) for item in value)
    if isinstance(value, dict):
        return any(holds_float(item) for item in value.values())
    return isinstance(value, float)


def decode(name, data):
    stream = io.BytesIO(data)
    value = cbor2.CBORDecoder(stream).decode()
    if stream.read(1):
        print(f"{name}: bytes follow the item")
    # Floats keep their width here, so only what has none can be compared with canonical encoding.
    if not holds_float(value) and cbor2.dumps(value, canonical=True) != data:
        print(f"{name}: not the canonical encoding")
    return value


for vector in load("cbor")["valid"]:
    checked += 1
    if not same(decode(vector["name"], bytes.fromhex(vector["hex"])), plain(vector["value"])):
        print(f"{vector['name']}: another value")

messages = load("message")
for vector in messages["valid"] + messages["skipping"]:
    checked += 1
    decode(vector["name"], bytes.fromhex(vector["hex"]))

frames = load("frame")
for vector in frames["crc"]:
    checked += 1
    if binascii.crc_hqx(bytes.fromhex(vector["hex"]), 0) != vector["crc"]:
        print(f"{vector['name']}: another checksum")
for vector in frames["valid"]:
    checked += 1
    message = bytes.fromhex(vector["message"])
    body = message + binascii.crc_hqx(message, 0).to_bytes(2, "big")
    if b"\0" + cobs.encode(body) + b"\0" != bytes.fromhex(vector["frame"]):
        print(f"{vector['name']}: another frame")

# Only that the grammar parses, whole: pycddl 0.6 refuses good arrays with `?` or `*` members, and with group choices.
with open(grammar, encoding="utf-8") as file:
    pycddl.Schema(file.read())
checked += 1

print(f"checked {checked}")
