type Done = (error?: Error) => void;

/**
 * The emitter in which aedes looks for subscribers of each publish. It has none, because the gateway consumes all
 * messages and forwards nothing between devices. It follows aedes' contract for an emitter: publishing calls back
 * synchronously, as mqemitter does for a topic without subscribers; subscriptions and the end call back later. Not
 * suitable for a broker that keeps wills or shares its clients with others, because aedes' internal messages ($SYS) are
 * dropped too.
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
