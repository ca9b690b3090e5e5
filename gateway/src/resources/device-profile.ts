import { limits } from "@motelet/profiles";
import { type Static, Type } from "typebox";
import type { KubeObject } from "../kubeapi/objects.ts";
import type { WantedCondition } from "./conditions.ts";
import type { Device } from "./device.ts";
import { apiGroup, apiVersion, deviceContainer } from "./labels.ts";

/** Each is a container of the Pod and a part of its status, which is written as a whole. */
const maxPeripherals = 16;

const peripheral = Type.Object({
  name: Type.String({
    minLength: 1,
    maxLength: limits.peripheralBytes,
    description: "Name of the peripheral in the firmware; also the name of its container.",
    "x-kubernetes-validations": [
      {
        rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        message: "a peripheral's name has small letters, digits and '-', with a letter or digit at each end",
      },
      {
        rule: `self != '${deviceContainer}'`,
        message: `the container ${deviceContainer} is the device itself`,
      },
    ],
  }),
  kind: Type.Optional(
    Type.String({
      maxLength: limits.peripheralKindBytes,
      description: "For people, such as relay or sensor.",
    }),
  ),
  description: Type.Optional(Type.String({ maxLength: 256, description: "For people." })),
});

/** The common properties of devices of one kind. Its types and its CRD are derived from it. */
export const deviceProfileSpecSchema = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 256, description: "For people." })),
    capacity: Type.Optional(
      Type.Record(Type.String(), Type.Integer({ format: "int64", minimum: 0, maximum: 1_000_000 }), {
        maxProperties: 16,
        description: "Extended resources of the device: {gpio: 4} becomes motelet.dev/gpio: 4 on its Node.",
        "x-kubernetes-validations": [
          {
            rule: "self.all(key, key.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'))",
            message: "a resource has a name of small letters, digits and '-', at most 63, without a prefix",
          },
        ],
      }),
    ),
    peripherals: Type.Optional(
      Type.Array(peripheral, {
        maxItems: maxPeripherals,
        description:
          "Parts of the device that take their own commands. Each is a container of the device's Pod: kubectl exec lamp -c relay0 -- set on.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      }),
    ),
  },
  { description: "Common properties of devices of one kind." },
);

export interface DeviceProfile extends KubeObject {
  readonly spec?: Static<typeof deviceProfileSpecSchema>;
}

export const deviceProfilesPath = `/apis/${apiVersion}/deviceprofiles`;

/** Extended resources of the Nodes of a profile's devices. */
export function profileResources(profile: DeviceProfile | undefined): Record<string, number> {
  const entries = Object.entries(profile?.spec?.capacity ?? {});
  return Object.fromEntries(entries.map(([name, count]) => [`${apiGroup}/${name}`, count]));
}

/** Names of the peripherals of a profile's devices. */
export function profilePeripherals(profile: DeviceProfile | undefined): readonly string[] {
  return (profile?.spec?.peripherals ?? []).map(({ name }) => name);
}

/** Type of the Device's condition that `profileCondition` gives. */
export const profileConditionType = "Profile";

/** The condition about a Device's profile; undefined if it names none. */
export function profileCondition(
  device: Device,
  profile: DeviceProfile | undefined,
): WantedCondition | undefined {
  const name = device.spec?.profile;
  if (name === undefined) return undefined;
  return profile
    ? {
        type: profileConditionType,
        status: "True",
        reason: "ProfileFound",
        message: `the DeviceProfile ${name} types the device`,
      }
    : {
        type: profileConditionType,
        status: "False",
        reason: "ProfileNotFound",
        message: `there is no DeviceProfile ${name}`,
      };
}
