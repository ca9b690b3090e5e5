import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "../../foundation/errors.ts";
import { type PortSelector, parsePort } from "./port-selector.ts";

const good: [string, PortSelector][] = [
  ["unix:/run/lamp.sock", { kind: "unix", path: "/run/lamp.sock" }],
  [`unix:/${"a".repeat(106)}`, { kind: "unix", path: `/${"a".repeat(106)}` }],
  ["tcp:127.0.0.1:1", { kind: "tcp", host: "127.0.0.1", port: 1 }],
  ["tcp:lab-3.example:65535", { kind: "tcp", host: "lab-3.example", port: 65_535 }],
  ["tcp:[::1]:5000", { kind: "tcp", host: "::1", port: 5_000 }],
  ["/dev/ttyACM0", { kind: "tty", path: "/dev/ttyACM0" }],
  ["/dev/serial/by-id/usb-x:1.0-if00", { kind: "tty", path: "/dev/serial/by-id/usb-x:1.0-if00" }],
  ["pty:/dev/pts/3", { kind: "pty", path: "/dev/pts/3" }],
];

for (const [text, selector] of good) {
  test(`the port ${text.slice(0, 40)} is understood`, () => assert.deepEqual(parsePort(text), selector));
}

const bad: [string, string, RegExp][] = [
  ["", "PORT_SYNTAX", /expected unix:\/path, tcp:host:port/],
  ["/dev/", "PORT_SYNTAX", /expected unix/],
  ["/tmp/lamp", "PORT_SYNTAX", /expected unix/],
  ["COM3", "PORT_SYNTAX", /expected unix/],
  ["ftp:/x", "PORT_SYNTAX", /expected unix/],
  ["unix:lamp.sock", "PORT_SYNTAX", /absolute path/],
  ["unix:/", "PORT_SYNTAX", /absolute path/],
  [`unix:/${"a".repeat(107)}`, "PORT_SYNTAX", /at most 107 bytes, got 108/],
  ["pty:", "PORT_SYNTAX", /absolute path/],
  ["pty:/dev/pts/\0", "PORT_SYNTAX", /absolute path/],
  ["tcp:host", "PORT_SYNTAX", /tcp:host:port/],
  ["tcp:::1:80", "PORT_SYNTAX", /tcp:host:port/],
  ["tcp:[lamp]:80", "PORT_SYNTAX", /tcp:\[v6\]:port/],
  ["tcp:host:0", "PORT_SYNTAX", /1 to 65535, got 0/],
  ["tcp:host:65536", "PORT_SYNTAX", /1 to 65535, got 65536/],
  ["usb:303a:1001", "PORT_UNSUPPORTED", /usb: is not supported yet/],
  ["rfc2217:host:4000", "PORT_UNSUPPORTED", /rfc2217: is not supported yet/],
];

for (const [text, code, message] of bad) {
  test(`the port "${text.slice(0, 40)}" is refused with its reason`, () => {
    assert.throws(
      () => parsePort(text),
      (error) => error instanceof RequestError && error.code === code && message.test(error.message),
    );
  });
}
