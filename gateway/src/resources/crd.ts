import { deviceProfileSpecSchema } from "./device-profile.ts";
import { deviceRules, deviceSpecSchema, deviceStatusSchema } from "./device-schema.ts";
import { apiGroup } from "./labels.ts";
import { oscoreSequenceRules, oscoreSequenceSpecSchema } from "./oscore-sequence.ts";

/** A JSON Schema value as typebox leaves it. */
type Schema = Readonly<Record<string, unknown>>;

/** The CustomResourceDefinition of Device. */
export function buildDeviceCrd() {
  return buildCrd({
    scope: "Namespaced",
    kind: "Device",
    shortName: "dev",
    description: "A microcontroller that a motelet gateway represents as a Node of the cluster.",
    spec: deviceSpecSchema,
    status: deviceStatusSchema,
    rules: deviceRules,
    columns: deviceColumns,
  });
}

/** The CustomResourceDefinition of DeviceProfile. */
export function buildDeviceProfileCrd() {
  return buildCrd({
    scope: "Cluster",
    kind: "DeviceProfile",
    shortName: "devprof",
    description: "Common properties of devices of one kind.",
    spec: deviceProfileSpecSchema,
    columns: [
      column("Description", ".spec.description"),
      column("Age", ".metadata.creationTimestamp", "date"),
    ],
  });
}

/** The CustomResourceDefinition of OscoreSequence. */
export function buildOscoreSequenceCrd() {
  return buildCrd({
    scope: "Cluster",
    kind: "OscoreSequence",
    shortName: "oscoreseq",
    description: "Which OSCORE sequence numbers of a device's key gateways have reserved.",
    spec: oscoreSequenceSpecSchema,
    rules: oscoreSequenceRules,
    columns: [
      column("Wire-Id", ".spec.wireId"),
      column("Generation", ".spec.generation", "integer"),
      column("Next", ".spec.next", "integer"),
      column("Retired", ".spec.retired", "boolean"),
      column("Age", ".metadata.creationTimestamp", "date"),
    ],
  });
}

function buildCrd(options: {
  scope: "Namespaced" | "Cluster";
  kind: string;
  shortName: string;
  description: string;
  spec: object;
  status?: object;
  rules?: readonly object[];
  columns: readonly object[];
}) {
  const { scope, kind, shortName, description, spec, status, rules, columns } = options;
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        shortNames: [shortName],
        categories: ["motelet"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          ...(status ? { subresources: { status: {} } } : {}),
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description,
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: structural(spec as Schema),
                ...(status ? { status: structural(status as Schema) } : {}),
              },
              ...(rules ? { "x-kubernetes-validations": rules } : {}),
            },
          },
        },
      ],
    },
  };
}

const column = (name: string, jsonPath: string, type = "string", priority = 0) => ({
  name,
  type,
  jsonPath,
  priority,
});

const deviceColumns = [
  column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
  column("Phase", ".status.phase"),
  column("Profile", ".spec.profile"),
  column("Link", ".status.link.carrier"),
  column("Firmware", ".status.firmware.version"),
  column("Last-Seen", ".status.lastSeen", "date"),
  column("Age", ".metadata.creationTimestamp", "date"),
  column("Node", ".status.nodeName", "string", 1),
  column("Board", ".status.hardware.board", "string", 1),
  column("RSSI", ".status.reported.rssiDbm", "integer", 1),
  column("Heap", ".status.reported.heapFreeBytes", "integer", 1),
];

/**
 * JSON Schema → structural schema: maps are `additionalProperties` instead of `patternProperties`, a record's other
 * bounds stay. Everything else that the schema source uses is the same in both.
 */
function structural(schema: Schema): Schema {
  const { patternProperties, properties, items, ...rest } = schema;
  const values = patternProperties
    ? Object.values(patternProperties as Record<string, Schema>)[0]
    : undefined;
  return {
    ...rest,
    ...(values ? { additionalProperties: structural(values) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties as Record<string, Schema>).map(([name, value]) => [
              name,
              structural(value),
            ]),
          ),
        }
      : {}),
    ...(items ? { items: structural(items as Schema) } : {}),
  };
}
