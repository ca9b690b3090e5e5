type Done = (error?: Error) => void;

/**
 * Where aedes looks for the subscribers of each publish, with nobody in it: the gateway takes what devices say and
 * forwards nothing between them. Carries aedes' contract for an emitter: publishing answers in the same turn, as
 * mqemitter does for a topic without subscribers, subscriptions and the end in a later one.
 *
 * Not for a broker that keeps wills or shares its clients with others: aedes' notes to itself ($SYS) go nowhere too.
 */
export const noRouting = {
  on(_topic: string, _notify: unknown, done?: Done): void {
    if (done) setImmediate(done);
  },
  removeListener(_topic: string, _notify: unknown, done?: Done): void {
    if (done) setImmediate(done);
  },
  emit(_packet: unknown, done: Done): void {
    done();
  },
  close(done: Done): void {
    setImmediate(done);
  },
};
