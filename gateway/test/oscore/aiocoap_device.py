"""A device that speaks the profile over CoAP with aiocoap and its OSCORE, for aiocoap-device.test.ts.

Arguments: URI of the gateway, folder of the OSCORE context (settings.json). Prints one JSON object a line of what happens. Answers ping,
and exec by printing the arguments; every other command is not implemented. aiocoap answers the Echo challenge of the gateway by itself.
"""
import asyncio
import json
import sys

import cbor2
from aiocoap import FETCH, POST, Context, Message, error, oscore

HELLO, WELCOME, REQUEST, RESPONSE, BEAT, DATA = 0, 1, 2, 3, 5, 8
PING, EXEC, CAN_EXEC = 1, 5, 1 << 0
OK, UNIMPLEMENTED, EXIT_CODE = 0, 12, 0


def tell(**event):
    print(json.dumps(event), flush=True)


class Device:
    def __init__(self, context, uri):
        self.context = context
        self.uri = uri

    async def post(self, message):
        request = Message(code=POST, uri=self.uri, payload=cbor2.dumps(message))
        response = await self.context.request(request, handle_blockwise=False).response
        tell(event="response", code=str(response.code))
        if response.payload:
            await self.take(response.payload)

    async def take(self, payload):
        message = cbor2.loads(payload)
        tell(event="message", kind=message[0])
        if message[0] == REQUEST:
            await self.answer(*message[1:])

    async def answer(self, number, op, *args):
        await self.post([RESPONSE, number, OK if op in (PING, EXEC) else UNIMPLEMENTED])
        if op != EXEC:
            return
        stdout, stderr, _flags, argv = args
        if stderr != 0:
            await self.post([DATA, stderr, 0, b"", OK])
        await self.post([DATA, stdout, 0, " ".join(argv).encode() + b"\n", [OK, EXIT_CODE]])

    async def run(self):
        hello = [HELLO, 0, 7, 1, 0, {1: CAN_EXEC, 2: 1024}]
        request = Message(code=FETCH, uri=self.uri, payload=cbor2.dumps(hello), observe=0, content_format=60)
        exchange = self.context.request(request, handle_blockwise=False)
        response = await exchange.response
        is_welcome = response.code.is_successful()
        welcome = cbor2.loads(response.payload) if is_welcome else None
        tell(event="hello", code=str(response.code), welcome=welcome)
        if welcome is None:
            return
        notifications = asyncio.create_task(self.follow(exchange.observation))
        heartbeat = welcome[5]
        while not notifications.done():
            await self.post([BEAT, 1])
            await asyncio.sleep(heartbeat)

    async def follow(self, observation):
        async for notification in observation:
            await self.take(notification.payload)


async def main():
    uri, folder = sys.argv[1:]
    context = await Context.create_client_context()
    context.client_credentials.load_from_dict({uri + "*": {"oscore": {"basedir": folder}}})
    try:
        await Device(context, uri).run()
    except (error.Error, oscore.NotAProtectedMessage, oscore.ProtectionInvalid) as failure:
        tell(event="failed", error=type(failure).__name__)


asyncio.run(main())
