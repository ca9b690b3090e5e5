import { deviceRules, deviceSpecSchema, deviceStatusSchema } from "./device-schema.ts";
import { apiGroup } from "./labels.ts";

/** A JSON Schema value as typebox leaves it. */
type Schema = Readonly<Record<string, unknown>>;

/** The CustomResourceDefinition of Device. */
export function buildDeviceCrd() {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `devices.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope: "Namespaced",
      names: {
        kind: "Device",
        listKind: "DeviceList",
        plural: "devices",
        singular: "device",
        shortNames: ["dev"],
        categories: ["motelet"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: printerColumns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description: "A microcontroller that a motelet gateway makes a Node of the cluster.",
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: structural(deviceSpecSchema as object as Schema),
                status: structural(deviceStatusSchema as object as Schema),
              },
              "x-kubernetes-validations": deviceRules,
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

const printerColumns = [
  column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
  column("Phase", ".status.phase"),
  column("Profile", ".spec.profile"),
  column("Link", ".status.link.carrier"),
  column("Firmware", ".status.firmware.version"),
  column("Last-Seen", ".status.lastSeen", "date"),
  column("Age", ".metadata.creationTimestamp", "date"),
  column("Node", ".status.nodeName", "string", 1),
  column("Board", ".status.hardware.board", "string", 1),
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
