"""Speaks OSCORE with aiocoap, for oscore-aiocoap.test.ts: one JSON object a line in, one out.

Messages are hex: code, options, and FF with the payload, as in the plaintext of RFC 8613 section 5.3.
"""
import json
import sys

from aiocoap import Message, oscore
from aiocoap.message import Direction


class Context(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    id_context = None
    echo_recovery = None
    alg_aead = oscore.algorithms["AES-CCM-16-64-128"]
    hashfun = oscore.hashfunctions["sha256"]

    def __init__(self, secret, salt, sender_id, recipient_id):
        self.sender_id = sender_id
        self.recipient_id = recipient_id
        self.sender_sequence_number = 0
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()
        self.derive_keys(salt, secret)

    def post_seqnoincrease(self):
        pass


def read(text, direction):
    body = bytes.fromhex(text)
    message = Message(code=body[0])
    message.payload = message.opt.decode(body[1:])
    message.direction = direction
    return message


def write(message):
    payload = b"\xff" + message.payload if message.payload else b""
    return (bytes([message.code]) + message.opt.encode() + payload).hex()


context = None
request_id = None
for line in sys.stdin:
    call = json.loads(line)
    try:
        if call["do"] == "derive":
            context = Context(*(bytes.fromhex(call[name]) for name in ("secret", "salt", "sender", "recipient")))
            result = {"key": context.sender_key.hex(), "iv": context.common_iv.hex()}
        elif call["do"] == "protect":
            message = read(call["message"], Direction.OUTGOING)
            is_request = message.code.is_request()
            protected, binding = context.protect(message, None if is_request else request_id)
            if is_request:
                request_id = binding
            result = {"message": write(protected)}
        else:
            message = read(call["message"], Direction.INCOMING)
            is_request = message.code.is_request()
            inner, binding = context.unprotect(message, None if is_request else request_id)
            if is_request:
                request_id = binding
            observe = inner.opt.observe
            inner.opt.observe = None
            result = {"message": write(inner), "observe": observe}
    except (oscore.ProtectionInvalid, oscore.NotAProtectedMessage) as error:
        result = {"error": type(error).__name__}
    print(json.dumps(result), flush=True)
