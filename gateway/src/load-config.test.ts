import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { environmentName, flagName, settingKeys, settings } from "./config.ts";
import { loadConfig } from "./load-config.ts";

function withFile(content: string, use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "motelet-config-"));
  try {
    const path = join(folder, "gateway.yaml");
    writeFileSync(path, content);
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("without any source every setting has its default", () => {
  const { config, sources } = loadConfig({});
  assert.equal(config["mqtt.port"], 1883);
  assert.ok(settingKeys.every((key) => sources[key] === "default" && config[key] === settings[key].default));
});

test("flags win over the environment, which wins over the file", () => {
  withFile("mqtt: {port: 1, host: 127.0.0.2}\nsession.heartbeatS: 7\n", (file) => {
    const { config, sources } = loadConfig({
      file,
      environment: { MOTELET_MQTT_PORT: "2", MOTELET_SERIAL_RTO_MS: "100", PATH: "/bin" },
      flags: { "mqtt.port": "3" },
    });
    assert.equal(config["mqtt.port"], 3);
    assert.equal(config["mqtt.host"], "127.0.0.2");
    assert.equal(config["session.heartbeatS"], 7);
    assert.equal(config["serial.rtoMs"], 100);
    assert.deepEqual(
      [sources["mqtt.port"], sources["mqtt.host"], sources["serial.rtoMs"], sources["log.level"]],
      ["flag", "file", "environment", "default"],
    );
  });
});

test("an unknown key names where it stands and the nearest known one", () => {
  withFile("mqtt: {prot: 1}\n", (file) => {
    assert.throws(() => loadConfig({ file }), {
      code: "CONFIG_UNKNOWN_KEY",
      message: `mqtt.prot in ${file}: there is no setting mqtt.prot; the nearest is mqtt.port`,
    });
  });
  assert.throws(
    () => loadConfig({ environment: { MOTELET_LOG_LEVLE: "info" } }),
    /the nearest is MOTELET_LOG_LEVEL/,
  );
  assert.throws(
    () => loadConfig({ flags: { "kubelet.hots": "x" } }),
    /--kubelet-hots: .* the nearest is kubelet.host/,
  );
});

test("a value of the wrong kind names what was expected and what came", () => {
  withFile('mqtt: {port: "1883"}\n', (file) => {
    assert.throws(() => loadConfig({ file }), {
      code: "CONFIG_VALUE",
      message: `mqtt.port in ${file}: expected an integer of 0 to 65535, got "1883"`,
    });
  });
  assert.throws(
    () => loadConfig({ flags: { "session.heartbeatS": "0" } }),
    /an integer of 1 to 3600, got "0"/,
  );
  assert.throws(() => loadConfig({ flags: { "session.heartbeatS": "3601" } }), /got "3601"/);
  assert.throws(() => loadConfig({ flags: { "mqtt.insecure": "yes" } }), /true or false, got "yes"/);
  assert.throws(
    () => loadConfig({ flags: { "log.level": "loud" } }),
    /one of debug, info, warn, error, silent/,
  );
  for (const address of ["gateway.example", "0.0.0.0", "::", "10.0.0.256", ""])
    assert.throws(() => loadConfig({ flags: { "node.address": address } }), /an IP address/, address);
  for (const address of ["10.0.0.1", "::1", "2001:db8::10"])
    assert.equal(loadConfig({ flags: { "node.address": address } }).config["node.address"], address);
  assert.throws(() => loadConfig({ file: "/nonexistent.yaml" }), { code: "CONFIG_FILE" });
  withFile("- a\n", (file) => assert.throws(() => loadConfig({ file }), /expected settings such as/));
});

test("lists come as YAML lists or with commas", () => {
  withFile("kubernetes: {namespaces: [a, b]}\n", (file) => {
    assert.deepEqual(loadConfig({ file }).config["kubernetes.namespaces"], ["a", "b"]);
  });
  assert.deepEqual(
    loadConfig({ flags: { "kubernetes.namespaces": "a, b" } }).config["kubernetes.namespaces"],
    ["a", "b"],
  );
});

test("names of variables and flags follow from the key", () => {
  assert.equal(environmentName("kubernetes.homeNamespace"), "MOTELET_KUBERNETES_HOME_NAMESPACE");
  assert.equal(flagName("session.heartbeatS"), "--session-heartbeat-s");
  assert.equal(new Set(settingKeys.map(environmentName)).size, settingKeys.length);
});
