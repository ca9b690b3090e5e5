import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { ReviewKubeClient } from "../../../test/fakes/review-kube-client.ts";
import { Authenticator } from "./authentication.ts";
import { Authorizer } from "./authorization.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const alice = { name: "alice", groups: ["system:authenticated"] };
const create = { verb: "create", subresources: ["proxy"] } as const;

test("a token that is good is asked about again after 2 min, one that is not after 10 s", async () => {
  const [kube, clock] = [new ReviewKubeClient(), new ManualClock()];
  kube.tokens.set("good", "alice");
  const authenticator = new Authenticator(kube, clock);
  const ask = async () => {
    assert.equal((await authenticator.authenticate(bearer("good"))).name, "alice");
    await assert.rejects(authenticator.authenticate(bearer("bad")), { code: "UNAUTHENTICATED" });
  };
  await ask();
  clock.advance(9_999);
  await ask();
  assert.deepEqual(kube.tokenReviews, ["good", "bad"]);
  clock.advance(1);
  await ask();
  assert.deepEqual(kube.tokenReviews, ["good", "bad", "bad"]);
  clock.advance(119_999 - 10_000);
  await ask();
  assert.deepEqual(kube.tokenReviews.slice(3), ["bad"]);
  // A token that was revoked meanwhile is no longer good.
  kube.tokens.clear();
  clock.advance(1);
  await assert.rejects(authenticator.authenticate(bearer("good")), { code: "UNAUTHENTICATED" });
});

test("what is no bearer token is nobody, and is not asked about", async () => {
  const kube = new ReviewKubeClient();
  const authenticator = new Authenticator(kube, new ManualClock());
  for (const authorization of ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "good"])
    await assert.rejects(authenticator.authenticate({ authorization }), { code: "UNAUTHENTICATED" });
  await assert.rejects(authenticator.authenticate({}), { code: "UNAUTHENTICATED" });
  assert.deepEqual(kube.tokenReviews, []);
});

test("a right that was given is asked about again after 5 min, one that was not after 30 s", async () => {
  const [kube, clock] = [new ReviewKubeClient(), new ManualClock()];
  kube.allows = (_user, { name }) => name === "lamp";
  const authorizer = new Authorizer(kube, clock);
  const ask = async () => {
    await authorizer.authorize(alice, create, "lamp");
    await assert.rejects(authorizer.authorize(alice, create, "press"), { code: "FORBIDDEN" });
  };
  const asked = () => kube.accessReviews.splice(0).map(({ name }) => name);
  await ask();
  assert.deepEqual(asked(), ["lamp", "press"]);
  clock.advance(29_999);
  await ask();
  assert.deepEqual(asked(), []);
  clock.advance(1);
  await ask();
  assert.deepEqual(asked(), ["press"]);
  clock.advance(269_999);
  await ask();
  assert.deepEqual(asked(), ["press"]);
  kube.allows = () => false;
  clock.advance(1);
  await assert.rejects(authorizer.authorize(alice, create, "lamp"), { code: "FORBIDDEN" });
});

test("what is remembered of one caller, verb or Node says nothing of another", async () => {
  const kube = new ReviewKubeClient();
  const authorizer = new Authorizer(kube, new ManualClock());
  await authorizer.authorize(alice, create, "lamp");
  await authorizer.authorize(alice, create, "press");
  await authorizer.authorize(alice, { verb: "get", subresources: ["proxy"] }, "lamp");
  await authorizer.authorize({ ...alice, groups: [] }, create, "lamp");
  await authorizer.authorize({ ...alice, extra: { "example.com/scopes": ["read"] } }, create, "lamp");
  await authorizer.authorize({ ...alice, name: "bob" }, create, "lamp");
  assert.equal(kube.accessReviews.length, 6);
});

test("a right that is denied is none, whatever else is said; the next subresource may do", async () => {
  const kube = new ReviewKubeClient();
  kube.create = <T>() => Promise.resolve({ status: { allowed: true, denied: true } } as T);
  await assert.rejects(new Authorizer(kube, new ManualClock()).authorize(alice, create, "lamp"), {
    code: "FORBIDDEN",
  });
  const finer = new ReviewKubeClient();
  finer.allows = (_user, { subresource }) => subresource === "proxy";
  const either = { verb: "get", subresources: ["healthz", "proxy"] } as const;
  await new Authorizer(finer, new ManualClock()).authorize(alice, either, "lamp");
  assert.deepEqual(
    finer.accessReviews.map(({ subresource }) => subresource),
    ["healthz", "proxy"],
  );
});

/** An API server that answers nothing until it is let. */
function slowKube() {
  const kube = new ReviewKubeClient();
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const answers = kube.create.bind(kube);
  kube.create = async <T>(path: string, body: unknown): Promise<T> => {
    asked += 1;
    await promise;
    return answers<T>(path, body);
  };
  return { kube, answer: resolve, asked: () => asked };
}

test("32 tokens and 64 rights are asked about at a time, one more is told to come again", async () => {
  const tokens = slowKube();
  const authenticator = new Authenticator(tokens.kube, new ManualClock());
  const unknown = Array.from({ length: 32 }, (_, index) => authenticator.authenticate(bearer(`t${index}`)));
  await assert.rejects(authenticator.authenticate(bearer("one-more")), { code: "REVIEWS_BUSY" });
  // Requests for the same share the answer.
  unknown.push(authenticator.authenticate(bearer("t0")));
  tokens.answer();
  for (const { status } of await Promise.allSettled(unknown)) assert.equal(status, "rejected");
  assert.equal(tokens.asked(), 32);

  const rights = slowKube();
  const authorizer = new Authorizer(rights.kube, new ManualClock());
  const waiting = Array.from({ length: 64 }, (_, index) =>
    authorizer.authorize(alice, create, `node-${index}`),
  );
  await assert.rejects(authorizer.authorize(alice, create, "one-more"), { code: "REVIEWS_BUSY" });
  rights.answer();
  await Promise.all(waiting);
  assert.equal(rights.asked(), 64);
});

test("1,000 tokens are remembered; of one more the first is forgotten", async () => {
  const kube = new ReviewKubeClient();
  const authenticator = new Authenticator(kube, new ManualClock());
  for (let index = 0; index <= 1_000; index++) kube.tokens.set(`t${index}`, `user-${index}`);
  for (let index = 0; index < 1_000; index++) await authenticator.authenticate(bearer(`t${index}`));
  await authenticator.authenticate(bearer("t0"));
  assert.equal(kube.tokenReviews.length, 1_000);
  await authenticator.authenticate(bearer("t1000"));
  await authenticator.authenticate(bearer("t0"));
  assert.equal(kube.tokenReviews.length, 1_002);
});
