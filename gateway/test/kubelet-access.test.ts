import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpsRequest } from "node:https";
import { test } from "node:test";
import { connect, rootCertificates } from "node:tls";
import { ConfigError } from "../src/foundation/errors.ts";
import { ClientAuthority } from "./fakes/client-authority.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };
const logsPath = "/containerLogs/default/lamp/device";
const noToken = { headers: {} };

test("a caller without credentials gets 401 in words, whatever it asks for", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const path of [logsPath, "/healthz", "/nosuch", "/%zz", "/pods"])
    assert.deepEqual(await kubelet.get(path, noToken), { code: 401, body: "Unauthorized" });
  const exec = await kubelet.execUpgrade(["echo"], "output=1", { headers: { authorization: "" } });
  assert.equal(exec.code, 401);
  assert.equal(exec.body, "Unauthorized");
  assert.equal(
    await kubelet.metrics.valueOf("motelet_kubelet_refusals_total", { reason: "UNAUTHENTICATED" }),
    6,
  );
  assert.deepEqual(kubelet.kube.accessReviews, []);
});

test("a token is reviewed once and then known for 2 min", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  assert.equal((await kubelet.get(logsPath)).code, 200);
  assert.equal((await kubelet.get(logsPath)).code, 200);
  assert.deepEqual(kubelet.kube.tokenReviews, ["good-token"]);
  assert.equal((await kubelet.get(logsPath, { headers: { authorization: "Bearer bad" } })).code, 401);
});

test("logs need get, exec needs create, on nodes/proxy of the pod's Node", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  await kubelet.get(logsPath);
  const { client } = await kubelet.execUpgrade(["echo"], "output=1", { method: "GET" });
  client?.socket.destroy();
  const asked = kubelet.kube.accessReviews.map(({ user, verb, resource, subresource, name }) =>
    [user, verb, resource, subresource, name].join(" "),
  );
  assert.deepEqual(asked, ["alice get nodes proxy lamp", "alice create nodes proxy lamp"]);
});

test(
  "a caller without rights gets 403 and learns neither Node nor whether the pod exists",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    kubelet.kube.allows = () => false;
    const known = await kubelet.get(logsPath);
    const unknown = await kubelet.get("/containerLogs/default/nosuch/device");
    assert.equal(known.code, 403);
    assert.equal(known.body, "Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[proxy])");
    assert.deepEqual(known, unknown);
    const exec = await kubelet.execUpgrade(["echo"], "output=1");
    assert.equal(exec.code, 403);
  },
);

test("who may reach one Node only is not told of pods elsewhere", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.kube.allows = (_user, { name }) => name === "lamp";
  assert.equal((await kubelet.get(logsPath)).code, 200);
  assert.equal((await kubelet.get("/containerLogs/default/nosuch/device")).code, 403);
});

test("healthz and pods take the fine-grained right or nodes/proxy", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.kube.allows = (_user, { subresource, verb }) => subresource !== "proxy" && verb === "get";
  assert.deepEqual(await kubelet.get("/healthz"), { code: 200, body: "ok" });
  assert.equal(JSON.parse((await kubelet.get("/pods")).body).kind, "PodList");
  assert.equal((await kubelet.get(logsPath)).code, 403);
});

test("the API server's outage refuses with 503, and nothing of it is remembered", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.kube.isDown = true;
  assert.equal((await kubelet.get(logsPath)).code, 503);
  kubelet.kube.isDown = false;
  assert.equal((await kubelet.get(logsPath)).code, 200);
});

test("unknown path, method, pod and container are told apart", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  assert.equal((await kubelet.get("/nosuch")).code, 404);
  assert.equal((await kubelet.get(logsPath, { method: "POST" })).code, 405);
  assert.deepEqual(await kubelet.get("/containerLogs/default/nosuch/device"), {
    code: 404,
    body: 'pod "nosuch" does not exist',
  });
  assert.deepEqual(await kubelet.get("/containerLogs/default/lamp/relay"), {
    code: 404,
    body: 'container "relay" not found in pod "lamp"',
  });
  assert.equal((await kubelet.get("/exec/default/lamp/device?command=echo&output=1")).code, 400);
});

test("a client certificate of the cluster's CA names user and groups", deadline, async () => {
  const authority = await ClientAuthority.create();
  const kubelet = new KubeletUnderTest();
  kubelet.kube.clientCa = authority.pem;
  await using running = await kubelet.start();
  const client = await authority.issue("kube-apiserver-kubelet-client", ["system:masters", "a, b"]);
  assert.equal((await running.get(logsPath, { ...noToken, ...client })).code, 200);
  const [review] = running.kube.accessReviews;
  assert.equal(review?.user, "kube-apiserver-kubelet-client");
  assert.deepEqual(review?.groups, ["system:masters", "a, b", "system:authenticated"]);
});

test("certificates of another CA, for servers, and ended ones are refused", deadline, async () => {
  const authority = await ClientAuthority.create();
  const kubelet = new KubeletUnderTest();
  kubelet.kube.clientCa = authority.pem;
  await using running = await kubelet.start();
  for (const client of [
    await (await ClientAuthority.create()).issue("mallory", ["system:masters"]),
    await authority.issue("system:node:real", ["system:nodes"], { use: "server" }),
    await authority.issue("late", [], { endsMs: Date.now() - 1_000 }),
    await authority.issue("", ["system:masters"]),
  ])
    assert.equal((await running.get(logsPath, { ...noToken, ...client })).code, 401);
});

test(
  "without a client CA no certificate is trusted, those of public authorities included",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await (await ClientAuthority.create()).issue("mallory", ["system:masters"]);
    assert.equal((await kubelet.get(logsPath, { ...noToken, ...client })).code, 401);
    assert.ok(rootCertificates.length > 0);
    const socket = connect({ host: "127.0.0.1", port: kubelet.port, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    socket.destroy();
  },
);

test("a changed client CA holds for connections that are open, too", deadline, async () => {
  const [first, second] = [await ClientAuthority.create(), await ClientAuthority.create()];
  const kubelet = new KubeletUnderTest({ clientCa: first.pem });
  const both = `${first.pem}\n${second.pem}`;
  await using running = await kubelet.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const client = { ...noToken, ...(await first.issue("apiserver")), agent };
  assert.equal((await running.get(logsPath, client)).code, 200);
  running.server.useClientCa(both);
  assert.equal((await running.get(logsPath, client)).code, 200);
  running.server.useClientCa(second.pem);
  assert.equal((await running.get(logsPath, client)).code, 401);
  assert.equal((await running.get(logsPath, { ...noToken, ...(await second.issue("apiserver")) })).code, 200);
  assert.throws(() => running.server.useClientCa("no certificate"), ConfigError);
  assert.equal((await running.get(logsPath, { ...noToken, ...(await second.issue("apiserver")) })).code, 200);
  agent.destroy();
});

test("a request line longer than the limit is refused without harm", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const tooLong = httpsRequest({ ...kubelet.options(`/healthz?${"x".repeat(70_000)}`) });
  tooLong.end();
  await once(tooLong, "error");
  assert.equal((await kubelet.get(`/healthz?${"x".repeat(60_000)}`)).code, 200);
});

test("requests beyond the bound are told to come again", deadline, async () => {
  await using kubelet = await new KubeletUnderTest({ maxRequests: 1 }).start();
  const { client } = await kubelet.execUpgrade(["hang"], "output=1");
  assert.ok(client);
  assert.equal((await kubelet.get("/healthz")).code, 503);
  client.socket.destroy();
});
