import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { test } from "node:test";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };

/** Method, path, and what comes: the words are a kubelet's (pkg/kubelet/server, go-restful). */
const requests: readonly (readonly [string, number, string | RegExp, string?])[] = [
  ["GET /healthz", 200, "ok"],
  ["GET /healthz/", 200, "ok"],
  ["GET /healthz/ping", 200, "ok"],
  ["GET /healthz/log", 200, "ok"],
  ["GET /healthz/syncloop", 200, "ok"],
  ["GET /healthz?verbose", 200, "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n"],
  ["GET /healthz/nosuch", 404, "404: Page Not Found"],
  ["GET /configz", 200, '{"kubeletconfig":{}}'],
  ["GET /pods", 200, /"kind":"PodList"/],
  ["GET /runningpods/", 200, /"kind":"PodList"/],
  ["GET /metrics", 200, ""],
  ["GET /metrics/cadvisor", 200, ""],
  ["GET /metrics/probes", 200, ""],
  ["GET /metrics/resource", 200, /^/],
  ["GET /metrics/nodes/lamp/metrics/resource", 200, /^/],
  ["GET /metrics/nodes/nosuch/metrics/resource", 404, 'node "nosuch" does not exist'],
  ["GET /stats/summary", 200, /"node"/],
  ["GET /stats/nodes/lamp/summary", 200, /"nodeName":"lamp"/],
  ["GET /stats/nodes/nosuch/summary", 404, 'node "nosuch" does not exist'],
  ["POST /pods", 405, "405: Method Not Allowed", "GET"],
  ["DELETE /healthz", 405, "405: Method Not Allowed", "GET"],
  ["POST /containerLogs/default/lamp/device", 405, "405: Method Not Allowed", "GET"],
  ["PUT /exec/default/lamp/device?command=ps&output=1", 405, "405: Method Not Allowed", "GET, POST"],
  ["GET /exec/default/lamp", 404, "404: Page Not Found"],
  ["GET /exec/default//device", 404, "404: Page Not Found"],
  ["GET /exec/default/lamp/uid/device/more", 404, "404: Page Not Found"],
  ["GET /nosuch", 404, "404 page not found"],
  ["GET /%zz", 404, "404 page not found"],
  ["POST /run/default/lamp/device?cmd=ps", 404, "404 page not found"],
  ["GET /logs/", 404, "404 page not found"],
  ["POST /checkpoint/default/lamp/device", 404, "404 page not found"],
  ["GET /exec/default/lamp/device?command=ps&output=1", 400, "Upgrade request required"],
  ["POST /attach/default/lamp/device?output=1", 400, "Upgrade request required"],
  ["POST /portForward/default/lamp", 400, "Upgrade request required"],
  ["GET /containerLogs/default/nosuch/device", 404, 'pod "nosuch" does not exist'],
  ["GET /containerLogs/default/lamp/nosuch", 404, 'container "nosuch" not found in pod "lamp"'],
];

async function ask(kubelet: KubeletUnderTest, method: string, path: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    code: number;
    body: string;
    allow: string | undefined;
  }>();
  const sent = httpsRequest({ ...kubelet.options(path), method }, (answer) => {
    let body = "";
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => {
      body += text;
    });
    answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body, allow: answer.headers.allow }));
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

test("each path answers with a kubelet's code and words", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const [request, code, body, allow] of requests) {
    const [method = "", path = ""] = request.split(" ");
    const answer = await ask(kubelet, method, path);
    assert.equal(answer.code, code, `${request}: ${answer.body}`);
    if (typeof body === "string") assert.equal(answer.body, body, request);
    else assert.match(answer.body, body, request);
    assert.equal(answer.allow, allow, request);
  }
});

const flags = "output=1&error=1";
for (const [what, path, code, body] of [
  ["an unknown pod", `/exec/default/nosuch/device?command=ps&${flags}`, 404, "pod does not exist"],
  [
    "an unknown container",
    `/exec/default/lamp/nosuch?command=ps&${flags}`,
    404,
    'container "nosuch" not found in pod "lamp"',
  ],
  ["no command", `/exec/default/lamp/device?${flags}`, 400, "you must specify a command to run"],
  [
    "no stream",
    "/exec/default/lamp/device?command=ps",
    400,
    "you must specify at least 1 of stdin, stdout, stderr",
  ],
  ["an unknown pod to attach to", `/attach/default/nosuch/device?${flags}`, 404, "pod does not exist"],
  ["a path without upgrades", "/pods", 400, "this path cannot be upgraded"],
] as const) {
  test(`an upgrade with ${what} is refused in words`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const answer = await kubelet.spdyUpgrade(path, ["v4.channel.k8s.io"], {
      method: path === "/pods" ? "GET" : "POST",
    });
    assert.deepEqual([answer.code, answer.body], [code, body]);
  });
}

test("a path with the pod's uid is the same as one without", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const path = `/exec/default/lamp/uid-of-the-pod/device?command=echo&command=hi&${flags}`;
  const { code, client } = await kubelet.spdyUpgrade(path, ["v4.channel.k8s.io"]);
  assert.equal(code, 101);
  await client!.open("error");
  const stdout = await client!.open("stdout");
  await client!.open("stderr");
  assert.equal((await client!.read(stdout)).toString(), "hi\n");
  client!.close();
});

test("a Node's own figures need rights on that Node alone", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  await ask(kubelet, "GET", "/metrics/nodes/lamp/metrics/resource");
  await ask(kubelet, "GET", "/metrics/resource");
  const asked = kubelet.kube.accessReviews.map(({ verb, subresource, name }) =>
    [verb, subresource, name].join(" "),
  );
  assert.deepEqual(asked, ["get metrics lamp", "get metrics "]);
});
