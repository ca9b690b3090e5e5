import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { ClientAuthority } from "./fakes/client-authority.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };

const paths = {
  exec: "/exec/default/lamp/device?command=echo&output=1",
  attach: "/attach/default/lamp/device?output=1",
  "port-forward": "/portForward/default/lamp",
} as const;
const protocols = {
  exec: ["v4.channel.k8s.io"],
  attach: ["v4.channel.k8s.io"],
  "port-forward": ["portforward.k8s.io"],
} as const;

type Kind = keyof typeof paths;
const kinds = Object.keys(paths) as Kind[];

interface Extra {
  readonly headers?: Record<string, string>;
  readonly cert?: string;
  readonly key?: string;
}

/** The status with which a handshake is answered, whatever its protocol. */
async function handshake(kubelet: KubeletUnderTest, kind: Kind, how: "SPDY" | "WebSocket", extra: Extra) {
  if (how === "SPDY") {
    const answer = await kubelet.spdyUpgrade(paths[kind], protocols[kind], extra);
    answer.client?.socket.destroy();
    return answer.code;
  }
  const path = kind === "port-forward" ? `${paths[kind]}?port=80` : paths[kind];
  const socket = kubelet.webSocket(path, ["v4.channel.k8s.io"], extra);
  socket.on("error", () => undefined);
  const [answer] = await Promise.race([
    once(socket, "unexpected-response").then(([, response]) => [response.statusCode as number]),
    new Promise<[number]>((resolve) => socket.once("open", () => resolve([101]))),
  ]);
  socket.terminate();
  return answer;
}

for (const kind of kinds) {
  for (const how of ["SPDY", "WebSocket"] as const) {
    test(`${kind} over ${how}: nobody 401, wrong token 401, foreign certificate 401`, deadline, async () => {
      await using kubelet = await new KubeletUnderTest().start();
      const foreign = await (await ClientAuthority.create()).issue("mallory", ["system:masters"]);
      assert.equal(await handshake(kubelet, kind, how, { headers: { authorization: "" } }), 401);
      assert.equal(await handshake(kubelet, kind, how, { headers: { authorization: "Bearer bad" } }), 401);
      assert.equal(await handshake(kubelet, kind, how, { headers: { authorization: "" }, ...foreign }), 401);
      assert.deepEqual(kubelet.kube.accessReviews, []);
      assert.equal(kubelet.exec.started.length, 0);
    });

    test(
      `${kind} over ${how} is 403 to who may only get nodes/proxy, 101 to who may create`,
      deadline,
      async () => {
        await using kubelet = await new KubeletUnderTest().start();
        kubelet.kube.allows = (_user, { verb }) => verb === "get";
        assert.equal(await handshake(kubelet, kind, how, {}), 403);
        assert.equal(kubelet.exec.started.length, 0);
        const [review] = kubelet.kube.accessReviews;
        assert.deepEqual([review?.verb, review?.subresource, review?.name], ["create", "proxy", "lamp"]);
        await using other = await new KubeletUnderTest().start();
        assert.equal(await handshake(other, kind, how, {}), 101);
      },
    );
  }
}

test("what was found out about callers is counted", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (let times = 3; times > 0; times--) await kubelet.get("/containerLogs/default/lamp/device");
  const count = (review: string, result: string) =>
    kubelet.metrics.valueOf("motelet_kubelet_reviews_total", { review, result });
  assert.deepEqual(
    [await count("token", "asked"), await count("token", "remembered"), await count("access", "asked")],
    [1, 2, 1],
  );
  assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_reviews_kept", { review: "access" }), 1);
});
