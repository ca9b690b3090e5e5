import { carrierNames } from "@motelet/profiles";
import { type Static, Type } from "typebox";
import { rules } from "../foundation/validation-rules.ts";
import { carrierLinkFields, carriers } from "../transport/carriers.ts";

/**
 * The Device's schema: the one source of its TypeScript types and of its CRD (gateway/scripts/generate-crds.ts).
 * Every string, list and map is bounded: the API server refuses CEL rules over unbounded ones.
 */

const dnsLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${dnsLabel}([.]${dnsLabel})*`;
const plainName = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/** As rules: of a pattern that does not match the API server says nothing but the pattern. */
const dnsName = {
  minLength: 1,
  maxLength: 63,
  ...rules({
    rule: `self.matches('^${subdomain}$')`,
    message:
      "a name has small letters, digits, '-' and '.', with a letter or digit at each end and on both sides of each '.'",
  }),
} as const;

/** What the API server demands of labels and taints of a Node: a Device that breaks it would never get its Node. */
const keyForm = (key: string, what: string) => ({
  rule: `${key}.matches('^(${subdomain}/)?${plainName}$')`,
  message: `the key of ${what} is name or domain/name: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at each end`,
});
const valueForm = (what: string) =>
  rules({
    rule: `self.matches('^(${plainName})?$')`,
    message: `the value of ${what} has at most 63 letters, digits, '-', '_' and '.', with a letter or digit at each end`,
  });
const isForeign = (key: string) =>
  `${key}.contains('kubernetes.io/') || ${key}.contains('k8s.io/') || ${key}.contains('motelet.dev/')`;
const foreignWords = (what: string) =>
  `${what} of kubernetes.io, k8s.io and motelet.dev are not a namespace user's to give`;
const userKeys = (one: string, many: string) => {
  const { rule, message } = keyForm("key", one);
  return rules(
    { rule: `self.all(key, !(${isForeign("key")}))`, message: foreignWords(many) },
    { rule: `self.all(key, ${rule})`, message },
  );
};

const link = Type.Object(
  {
    carrier: Type.Enum(carrierNames, {
      type: "string",
      description: "Carrier of the link.",
    }),
    ...carrierLinkFields,
  },
  rules(...carriers.flatMap(({ link }) => link.rules)),
);

const taint = Type.Object({
  key: Type.String({
    minLength: 1,
    maxLength: 253,
    ...rules(
      { rule: `!(${isForeign("self")})`, message: foreignWords("taints") },
      keyForm("self", "a taint"),
    ),
  }),
  value: Type.Optional(Type.String({ maxLength: 63, ...valueForm("a taint") })),
  effect: Type.Enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], { type: "string" }),
});

const node = Type.Object(
  {
    name: Type.Optional(Type.String({ ...dnsName, description: "Name of the Node; cannot be changed." })),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 63, ...valueForm("a label") }), {
        maxProperties: 32,
        ...userKeys("a label", "labels"),
      }),
    ),
    annotations: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 1024 }), {
        maxProperties: 32,
        ...userKeys("an annotation", "annotations"),
      }),
    ),
    taints: Type.Optional(
      Type.Array(taint, {
        maxItems: 16,
        description: "In addition to motelet.dev/mote.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["key", "effect"],
      }),
    ),
  },
  { description: "Additional properties of the device's Node." },
);

export const deviceSpecSchema = Type.Object(
  {
    profile: Type.Optional(Type.String({ ...dnsName, description: "DeviceProfile of the device." })),
    links: Type.Optional(
      Type.Array(link, {
        minItems: 1,
        maxItems: 8,
        description:
          "Allowed links, in order of preference. Absent: any link on which the device proves its identity.",
      }),
    ),
    identity: Type.Optional(
      Type.Object(
        { secretName: Type.String({ ...dnsName, maxLength: 253 }) },
        {
          description:
            "Secret with the device's identity. Absent: <device>-identity, which the gateway creates.",
        },
      ),
    ),
    node: Type.Optional(node),
    sleep: Type.Optional(
      Type.Object(
        {
          checkInSeconds: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 31_536_000,
              description: "How long the device sleeps if its firmware does not announce the duration.",
            }),
          ),
          wait: Type.Optional(
            Type.Boolean({
              description: "kubectl waits until the device wakes, instead of returning an error at once.",
            }),
          ),
        },
        { description: "For a device that sleeps most of the time." },
      ),
    ),
    paused: Type.Optional(
      Type.Boolean({ description: "While true, the gateway keeps no session with the device." }),
    ),
  },
  { description: "Desired state of the device. Every field is optional." },
);

const time = (description: string) => Type.String({ format: "date-time", description });
const text = (maxLength: number, description: string) => Type.String({ maxLength, description });

const condition = Type.Object({
  type: Type.String({ maxLength: 316 }),
  status: Type.Enum(["True", "False", "Unknown"], { type: "string" }),
  reason: Type.String({ maxLength: 1024 }),
  message: Type.String({ maxLength: 32768 }),
  lastTransitionTime: Type.String({ format: "date-time" }),
  observedGeneration: Type.Optional(Type.Integer({ format: "int64" })),
});

export const deviceStatusSchema = Type.Object(
  {
    phase: Type.Optional(
      Type.Enum(["Pending", "Online", "Asleep", "Offline", "Retired"], { type: "string" }),
    ),
    observedGeneration: Type.Optional(Type.Integer({ format: "int64" })),
    conditions: Type.Optional(
      Type.Array(condition, {
        maxItems: 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
      }),
    ),
    nodeName: Type.Optional(text(253, "Node that represents the device.")),
    link: Type.Optional(
      Type.Object({
        carrier: Type.String({ maxLength: 16 }),
        peer: text(255, "Address or port of the device."),
        gateway: Type.Optional(text(253, "Host, or Pod, of the gateway that holds the link.")),
        since: time("Time at which the link was established."),
      }),
    ),
    identity: Type.Optional(
      Type.Object({
        generation: Type.Integer({
          format: "int64",
          description:
            "Generation of the credential that the device last used; earlier generations are refused.",
        }),
      }),
    ),
    sleep: Type.Optional(
      Type.Object(
        { until: time("Time at which the device is expected back.") },
        { description: "Set while a device sleeps that announced its sleep." },
      ),
    ),
    firmware: Type.Optional(
      Type.Object({
        name: Type.String({ maxLength: 128 }),
        version: Type.Optional(Type.String({ maxLength: 128 })),
        buildId: Type.Optional(Type.String({ maxLength: 128 })),
        slot: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 255, description: "Slot from which the firmware runs." }),
        ),
        state: Type.Optional(
          Type.Enum(["confirmed", "probation"], {
            type: "string",
            description: "A firmware on probation is rolled back at the next reset unless it is confirmed.",
          }),
        ),
      }),
    ),
    hardware: Type.Optional(
      Type.Object({
        board: Type.Optional(Type.String({ maxLength: 128 })),
        id: Type.Optional(Type.String({ maxLength: 128 })),
        arch: Type.Optional(Type.String({ maxLength: 64 })),
        os: Type.Optional(Type.String({ maxLength: 64 })),
        ramBytes: Type.Optional(Type.Integer({ format: "int64" })),
        flashBytes: Type.Optional(Type.Integer({ format: "int64" })),
        labels: Type.Optional(
          Type.Record(Type.String(), Type.String({ maxLength: 63 }), { maxProperties: 16 }),
        ),
      }),
    ),
    capabilities: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 })),
    peripherals: Type.Optional(
      Type.Array(Type.String({ maxLength: 32 }), {
        maxItems: 64,
        description: "Peripherals of the firmware if the profile names any; those of the profile come first.",
      }),
    ),
    reported: Type.Optional(
      Type.Object(
        {
          heapFreeBytes: Type.Optional(Type.Integer({ format: "int64" })),
          rssiDbm: Type.Optional(Type.Integer()),
          batteryPercent: Type.Optional(Type.Integer()),
          temperatureC: Type.Optional(Type.Integer()),
        },
        { description: "Values of the heartbeat at lastSeen; newer ones are in the metrics." },
      ),
    ),
    boot: Type.Optional(
      Type.Integer({ format: "int64", description: "Boot number that the device reports." }),
    ),
    restarts: Type.Optional(
      Type.Integer({
        format: "int64",
        description: "Number of boots after the first one; RESTARTS of the device's Pod.",
      }),
    ),
    lastSeen: Type.Optional(
      time("Time of the latest message; written on transitions and every ten minutes."),
    ),
  },
  { description: "Observed state of the device." },
);

export type DeviceResourceSpec = Static<typeof deviceSpecSchema>;
export type DeviceResourceStatus = Static<typeof deviceStatusSchema>;
export type Condition = Static<typeof condition>;

function namesNode(object: string): string {
  return `has(${object}.spec) && has(${object}.spec.node) && has(${object}.spec.node.name)`;
}

/** Rules on the whole object; they are here, not on spec, so that adding or removing the spec is checked too. */
export const deviceRules = [
  { rule: "self.metadata.name.size() <= 63", message: "the name of a Device has at most 63 characters" },
  {
    // Spelt out: the API server's cost estimate does not see maxLength through optional chaining (100 x over its budget).
    rule: `(${namesNode("self")}) == (${namesNode("oldSelf")}) && (!(${namesNode("self")}) || self.spec.node.name == oldSelf.spec.node.name)`,
    message: "spec.node.name cannot be changed: delete the Device and create a new one",
  },
];
