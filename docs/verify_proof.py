#!/usr/bin/env python3
"""Checks that a webhook is in a hooklake log that was signed. Python 3.8 or newer, nothing else.

    curl -s -H "Authorization: Bearer $TOKEN" $URL/log/proof/17 > proof.json
    python3 verify_proof.py proof.json body.bin 'hooklake/…+1a2b3c4d+AX…'

The body is the request's, byte for byte; the key is what `hooklake checkpoint --public-key` printed, and must have come
to you by a way that you trust. Checked is:

    body -> body hash -> leaf -> root of the tree (RFC 6962) -> signed checkpoint (c2sp.org/tlog-checkpoint)

Instead of a body, `-` checks the rest: for an envelope whose body was redacted, or to learn only that there was one.
Exit code 0: it is so. 1: it is not, and why.
"""
import base64
import hashlib
import json
import sys
import uuid


class Wrong(Exception):
    """What does not fit."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519 (RFC 8032, section 5.1.7), over plain integers. Not in constant time: it verifies, with public values only.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def decode_point(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_MINUS_1 % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        raise Wrong("a point of the signature or the key is not on the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode_point(bytes([0x58]) + bytes([0x66]) * 31)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def signature_is_right(public, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left = multiply(s, BASE)
    right = add(decode_point(signature[:32]), multiply(k, decode_point(public)))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def open_note(note, key):
    """The text of a signed note (c2sp.org/signed-note), if this key signed it."""
    name, key_id, encoded = key.strip().split("+", 2)
    kind_and_key = base64.b64decode(encoded, validate=True)
    if kind_and_key[:1] != b"\x01" or sha256(name.encode(), b"\n", kind_and_key)[:4].hex() != key_id:
        raise Wrong("the public key is not an Ed25519 key of the form name+id+base64")
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines() if separator else []:
        dash, _, rest = line.partition(" ")
        signer, _, signature = rest.partition(" ")
        signature = base64.b64decode(signature, validate=True)
        if dash == "\u2014" and signer == name and signature[:4].hex() == key_id:
            if signature_is_right(kind_and_key[1:], text.encode(), signature[4:]):
                return text
            raise Wrong("the checkpoint's signature is wrong: it was altered, or another key signed it")
    raise Wrong(f"the checkpoint is not signed by {key.strip()}")


def body_hash(salt, body):
    return sha256(salt, body)


def leaf_hash(leaf):
    """What the tree has for an envelope: fields in this order, each led by its length."""
    fields = [
        uuid.UUID(leaf["id"]).bytes,
        leaf["tenant"].encode(),
        leaf["source"].encode(),
        leaf["deliveryKey"].encode(),
        leaf["eventType"].encode(),
        int(leaf["arrivedAtMicros"]).to_bytes(8, "big", signed=True),
        leaf["headers"].encode(),
        bytes.fromhex(leaf["bodyHash"]),
        leaf["verdict"].encode(),
        leaf["secretId"].encode(),
    ]
    chain_leaf = sha256(b"hooklake leaf 1", *(len(field).to_bytes(8, "big") + field for field in fields))
    return sha256(b"\x00", chain_leaf)


def root_of(leaf, index, size, path):
    """The root that a leaf and its path give (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Wrong("the checkpoint does not cover the position")
    last = size - 1
    for other in path:
        if last == 0:
            raise Wrong("the path is too long")
        if index & 1 or index == last:
            leaf = sha256(b"\x01", other, leaf)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            leaf = sha256(b"\x01", leaf, other)
        index, last = index >> 1, last >> 1
    if last:
        raise Wrong("the path is too short")
    return leaf


def check(proof, body, key):
    leaf = proof["leaf"]
    if body is not None:
        if not proof.get("salt"):
            raise Wrong("the body was redacted and its salt destroyed: nobody can check a body any more; give - instead of one")
        if body_hash(bytes.fromhex(proof["salt"]), body).hex() != leaf["bodyHash"]:
            raise Wrong("the body is not the one that was stored")
    origin, size, root = open_note(proof["checkpoint"], key).split("\n")[:3]
    path = [bytes.fromhex(text) for text in proof["path"]]
    found = root_of(leaf_hash(leaf), proof["position"] - 1, int(size), path)
    if found != base64.b64decode(root, validate=True):
        raise Wrong("leaf and path do not give the root that was signed: one of them was altered")
    return origin, int(size)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    proof_file, body_file, key = arguments
    try:
        with open(proof_file, encoding="utf-8") as file:
            proof = json.load(file)
        body = None
        if body_file != "-":
            with open(body_file, "rb") as file:
                body = file.read()
        origin, size = check(proof, body, key)
    except Wrong as wrong:
        print(f"NOT PROVED: {wrong}", file=sys.stderr)
        return 1
    except (KeyError, ValueError, TypeError, OSError) as error:
        print(f"NOT PROVED: cannot read what was given: {error!r}", file=sys.stderr)
        return 1
    leaf = proof["leaf"]
    what = "this body" if body is not None else "an envelope"
    print(f"PROVED: {what} is at position {proof['position']} of {origin}, which had {size} envelopes when that was signed.")
    print(f"It came from {leaf['source']} as {leaf['deliveryKey']} ({leaf['eventType']}).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
