#!/usr/bin/env python3
"""Verify a trail as a stranger: from exported evidence and the vkey, with none of Tallystick's code.

    tally export DIR --format evidence --control | python3 stranger.py VKEY

Checks every line: leaf, commitment, inclusion proof, checkpoint signature. With all entries of the
trail on the input (--control exports them all) it also checks that none is missing, that they give
the signed root, and that whatever was erased is named by a control entry. docs/format.md has the rules.
"""
import base64, hashlib, json, sys

# Ed25519, RFC 8032 section 5.1, with exact integers: slow, short, and nobody else's.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def multiply(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1: q = add(q, p)
        p, n = add(p, p), n >> 1
    return q

def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P: x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign): raise ValueError("not a point of the curve")
    if x & 1 != sign: x = P - x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))

def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % L
    a, b = multiply(s, BASE), add(point(r), multiply(k, point(key)))
    return s < L and not (a[0] * b[2] - b[0] * a[2]) % P and not (a[1] * b[2] - b[1] * a[2]) % P

# Merkle trees, RFC 6962 section 2.1.
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()

def climb(index, size, node, proof):
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    last = size - 1
    for sibling in proof:
        if not last: raise ValueError("the proof is too long")
        if index & 1 or index == last:
            node = sha(b"\1", sibling, node)
            while not index & 1 and index: index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    if last: raise ValueError("the proof is too short")
    return node

def root(leaves):
    stack = []  # (height, hash) of complete subtrees, as a binary counter
    for leaf in leaves:
        node = (0, leaf)
        while stack and stack[-1][0] == node[0]: node = node[0] + 1, sha(b"\1", stack.pop()[1], node[1])
        stack.append(node)
    node = stack.pop()[1]
    while stack: node = sha(b"\1", stack.pop()[1], node)
    return node

def b64(text): return base64.b64decode(text, validate=True)

def open_checkpoint(note, name, key_id, key):
    """Origin, size and root of a signed note (c2sp.org/signed-note, /tlog-checkpoint)."""
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, signer, data = line.split(" ")
        if signer == name and b64(data)[:4] == key_id and dash == "\u2014":
            if not signed(key, (text + "\n").encode(), b64(data)[4:]): raise ValueError("the signature is bad")
            origin, size, hash_ = text.split("\n")[:3]
            if origin != name: raise ValueError("the checkpoint is another trail's")
            return int(size), b64(hash_)
    raise ValueError("this key did not sign the checkpoint")

def main():
    name, key_id, key = sys.argv[1].split("+", 2)
    key_id, key = bytes.fromhex(key_id), b64(key)
    if sha(name.encode(), b"\n", key)[:4] != key_id or key[0] != 1: raise ValueError("the vkey is malformed")
    checkpoints, leaves, erased, named = {}, {}, set(), set()
    for number, line in enumerate(sys.stdin.buffer, 1):
        entry = json.loads(line)
        index, public = entry["index"], entry["public"].encode()
        try:
            if entry["checkpoint"] not in checkpoints:
                checkpoints[entry["checkpoint"]] = open_checkpoint(entry["checkpoint"], name, key_id, key[1:])
            size, signed_root = checkpoints[entry["checkpoint"]]
            leaf = sha(b"\0", public)
            if leaf.hex() != entry["leaf"]: raise ValueError("the leaf is not the public part's hash")
            if climb(index, size, leaf, [b64(h) for h in entry["proof"]]) != signed_root:
                raise ValueError("the proof does not lead to the signed root")
            members = json.loads(public)
            if entry["private"] is None:
                erased.add(index)
            elif sha(b"tally/private/v1\0", b64(entry["salt"]), entry["private"].encode()) != b64(members["private"]):
                raise ValueError("the private part is not what the public part commits to")
            control = members.get("control", {})
            if control.get("type") == "erased":
                for first, last in control["entries"]: named.update(range(first, last + 1))
        except (ValueError, KeyError) as problem:
            sys.exit(f"line {number}, entry {index}: {problem}")
        leaves[index] = leaf
    if not leaves: sys.exit("nothing to check")
    verdict = f"{len(leaves)} entries proved, {len(erased)} of them erased"
    if len(leaves) == size:  # the whole trail
        if root(leaves[i] for i in range(size)) != signed_root: sys.exit("the entries do not give the signed root")
        if erased - named: sys.exit(f"erased without a record: {sorted(erased - named)}")
        verdict += f"; they are the whole tree of size {size}"
    print(verdict)

main()
