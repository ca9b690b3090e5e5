import assert from "node:assert/strict";
import { test } from "node:test";
import { anyPort, expectAllowed } from "./allowed-ports.ts";

const isAllowed = (port: string, allowed: readonly string[]) => {
  try {
    expectAllowed(port, allowed);
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, "PORT_NOT_ALLOWED");
    return false;
  }
};

test("a port is allowed that is named to the letter, or by its beginning with a star", () => {
  const allowed = ["/dev/ttyACM*", "tcp:lab:4000", "unix:/run/boards/*"];
  for (const port of ["/dev/ttyACM0", "/dev/ttyACM", "tcp:lab:4000", "unix:/run/boards/lamp"])
    assert.ok(isAllowed(port, allowed), port);
  for (const port of ["/dev/ttyAC", "/dev/ttyUSB0", "tcp:lab:40001", "tcp:lab:400", "unix:/run/docker.sock"])
    assert.ok(!isAllowed(port, allowed), port);
  assert.ok(!isAllowed("/dev/ttyACM0", []));
});

test("nobody climbs out of what is allowed", () => {
  for (const port of ["unix:/run/boards/../docker.sock", "/dev/../etc/passwd", "pty:/dev/pts/.."])
    assert.ok(!isAllowed(port, [...anyPort, "unix:/run/boards/*"]), port);
  assert.ok(isAllowed("unix:/run/boards/..lamp", anyPort));
});

test("without a choice of the operator every form is allowed", () => {
  for (const port of ["/dev/ttyACM0", "pty:/dev/pts/3", "unix:/run/lamp.sock", "tcp:[::1]:5000"])
    assert.ok(isAllowed(port, anyPort), port);
});
