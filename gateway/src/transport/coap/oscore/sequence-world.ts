import { type SequenceEffect, SequenceReservation, type StoredRest } from "./sequence-reservation.ts";

interface Disk {
  /** What is on it, and earlier states of it that a backup may hold. */
  rest: StoredRest | undefined;
  readonly backups: (StoredRest | undefined)[];
  failing: boolean;
  /** An old copy was put back: only an answer of the API server may start the gateway. */
  old: boolean;
}

/** Small, so that chunks and blocks end often. */
const steps = { block: 96, chunk: 12, chunkLow: 6, blockLow: 24 };

/** The record of a key, as the API server has it. */
interface ApiObject {
  /** From the API server: an object that is created again has another one. */
  uid: string;
  /** Written by gateways: the UID of the object that they wrote to. */
  ownUid: string;
  readonly secretUid: string;
  next: number;
  /** A gateway has noticed that the object is an old one. */
  retired: boolean;
}

interface Gateway {
  readonly disk: Disk;
  secretUid: string;
  reservation: SequenceReservation | undefined;
  pending: SequenceEffect[];
}

/**
 * A cluster, disks and gateways that share one OSCORE key, for tests: everything may fail, stop or be put back, in any order.
 *
 * What it does not do, because nothing in a gateway can notice it (docs/adr/0023): put back an old etcd snapshot while a disk is lost, old
 * or fails, or for several gateways; put back an old copy of the store while the API server cannot be asked.
 */
export class SequenceWorld {
  readonly seen = { used: 0, kills: 0, refused: 0, offlineStarts: 0, restores: 0 };
  /** A number that was used twice. */
  repeated: number | undefined;
  readonly #random: (limit: number) => number;
  readonly #used = new Set<number>();
  readonly #gateways: readonly Gateway[];
  #secretUid = 1;
  #objects = 0;
  #object: ApiObject | undefined;
  #objectBackups: ApiObject[] = [];
  #apiAway = false;
  /** Every disk has all that was written to it. */
  #disksComplete = true;
  #etcdRestored = false;

  constructor(gateways: number, random: (limit: number) => number) {
    this.#random = random;
    this.#gateways = Array.from({ length: gateways }, () => ({
      disk: { rest: undefined, backups: [], failing: false, old: false },
      secretUid: "",
      reservation: undefined,
      pending: [],
    }));
  }

  step(): void {
    const gateway = this.#gateways[this.#random(this.#gateways.length)] as Gateway;
    if (!gateway.reservation) {
      this.#start(gateway);
      return;
    }
    const choice = this.#random(100);
    if (choice < 40) this.#use(gateway);
    else if (choice < 75) this.#finishEffect(gateway);
    else if (choice < 80) gateway.reservation.retry();
    else if (choice < 88) this.#kill(gateway);
    else if (choice < 92) this.#apiAway = !this.#apiAway;
    else if (choice < 94) gateway.disk.failing = !gateway.disk.failing && !this.#etcdRestored;
    else if (choice < 96) this.#loseDisk(gateway);
    else if (choice < 97) this.#restoreObjects();
    else if (choice < 98) this.#restoreEtcd();
    else if (choice < 99) this.#restoreDisk(gateway);
    else if (this.#object) this.#objectBackups.push({ ...this.#object });
    if (gateway.reservation) gateway.pending.push(...gateway.reservation.drain());
  }

  #start(gateway: Gateway): void {
    gateway.secretUid = String(this.#secretUid);
    gateway.reservation = new SequenceReservation(gateway.secretUid, gateway.disk.rest, steps);
    gateway.pending = [...gateway.reservation.drain()];
  }

  #use(gateway: Gateway): void {
    // Sometimes one, sometimes enough that chunks and blocks end.
    const count = [1, 3, 10, 40, 150][this.#random(5)] as number;
    for (let index = 0; index < count; index++) {
      const sequence = gateway.reservation?.take();
      if (sequence === undefined) return;
      if (this.#used.has(sequence)) this.repeated ??= sequence;
      this.#used.add(sequence);
      this.seen.used += 1;
      // Writes keep pace with a busy process, most of the time.
      if (index % 3 === 2 && this.#random(10) > 0) {
        gateway.pending.push(...(gateway.reservation?.drain() ?? []));
        this.#finishEffect(gateway);
      }
    }
  }

  #finishEffect(gateway: Gateway): void {
    const { reservation } = gateway;
    const effect = gateway.pending.shift();
    if (!effect || !reservation) return;
    if (effect.do === "store") reservation.stored(this.#write(gateway.disk, effect.rest));
    else this.#reserve(gateway, reservation, effect.above);
    if (reservation.refusal) this.seen.refused += 1;
  }

  #reserve(gateway: Gateway, reservation: SequenceReservation, above: number): void {
    const range = this.#apiAway ? undefined : this.#compareAndSet(gateway.secretUid, above);
    if (range === "refused") reservation.refuse("KEY_REPLACED");
    // Sometimes the object was written, but the answer is lost.
    else if (!range || this.#random(8) === 0) this.#notReserved(gateway);
    else reservation.reserved(range);
  }

  #notReserved(gateway: Gateway): void {
    // See above: this world does not start a gateway on an old disk without the API server.
    if (gateway.disk.old) {
      gateway.pending.push({ do: "reserve", above: gateway.disk.rest?.end ?? 0 });
      return;
    }
    if (gateway.disk.rest) this.seen.offlineStarts += 1;
    gateway.reservation?.notReserved();
  }

  #compareAndSet(secretUid: string, above: number): { from: number; end: number } | "refused" {
    this.#object ??= this.#create({ ownUid: "", secretUid, next: 0, retired: false });
    const object = this.#object;
    if (object.ownUid === "") object.ownUid = object.uid;
    if (object.next < above) object.retired = true;
    if (object.retired || object.secretUid !== secretUid || object.ownUid !== object.uid) return "refused";
    const from = object.next;
    object.next += steps.block;
    return { from, end: object.next };
  }

  #create(object: Omit<ApiObject, "uid">): ApiObject {
    this.#objects += 1;
    return { ...object, uid: String(this.#objects) };
  }

  #write(disk: Disk, rest: StoredRest): boolean {
    if (!disk.failing || this.#random(2) === 0) {
      disk.backups.push(disk.rest);
      disk.rest = rest;
      disk.old = false;
    } else this.#disksComplete = false;
    // A failure is reported, and the bytes may be there or not.
    return !disk.failing;
  }

  /** What was asked for may still happen, or may not. */
  #kill(gateway: Gateway): void {
    this.seen.kills += 1;
    for (const effect of gateway.pending) {
      if (this.#random(2) === 0) continue;
      if (effect.do === "store") this.#write(gateway.disk, effect.rest);
      else if (!this.#apiAway) this.#compareAndSet(gateway.secretUid, effect.above);
    }
    gateway.reservation = undefined;
    gateway.pending = [];
  }

  #loseDisk(gateway: Gateway): void {
    if (this.#etcdRestored) return;
    this.#kill(gateway);
    gateway.disk.rest = undefined;
    gateway.disk.old = false;
    this.#disksComplete = false;
  }

  #restoreDisk(gateway: Gateway): void {
    if (this.#etcdRestored) return;
    this.#kill(gateway);
    const { backups } = gateway.disk;
    if (backups.length === 0) return;
    gateway.disk.rest = backups[this.#random(backups.length)];
    gateway.disk.old = true;
    this.#disksComplete = false;
  }

  /** A backup of objects: Secret and record are created again under new UIDs, with the key and the number of then. */
  #restoreObjects(): void {
    const backup = this.#objectBackups[this.#random(this.#objectBackups.length)];
    if (!backup) return;
    this.seen.restores += 1;
    this.#secretUid += 1;
    this.#object = this.#create(backup);
  }

  /** An old snapshot of etcd: UIDs are as they were. The only gateway notices, by what its disk has. */
  #restoreEtcd(): void {
    const backup = this.#objectBackups.findLast(({ secretUid }) => secretUid === String(this.#secretUid));
    if (!backup || this.#gateways.length > 1 || !this.#disksComplete) return;
    this.seen.restores += 1;
    this.#etcdRestored = true;
    for (const { disk } of this.#gateways) disk.failing = false;
    this.#object = { ...backup };
  }
}
