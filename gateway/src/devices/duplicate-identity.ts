import { serialNewer } from "@motelet/profiles";

/**
 * Finds two boards that use one identity. Pure: takes one greeting after the other and says when they cannot all be of one
 * board. A board that reboots or loses power, also while its old connection is still open, is not mistaken for two.
 *
 *   greetings     A ── B                     a reboot, a power cycle, or a board that was replaced
 *                 A ── B ── A                two boards: nothing brings an earlier boot back
 *   same boot     100 s ── 20 s ── 101 s     two boards: uptime ran backwards, and the first one goes on
 *   and identity  100 s ── 20 s ── 22 s      a power cycle of a board that does not count its boots
 *                 report 40 ── report 12     two boards, if the second one was already up when the first one spoke
 *                 session 1, 2, 1            two boards: a board that has confirmed session 2 has forgotten session 1
 */

/** One hello of a board. */
export interface Greeting {
  /** The connection. All hellos on one connection are from one board. */
  readonly connection: number;
  readonly peer: string;
  /** Monotonic, milliseconds. */
  readonly atMs: number;
  /** Lower-case hex. */
  readonly hardwareId?: string;
  readonly boot: number;
  /** The board's last session; 0: none since it booted. */
  readonly sid: number;
  readonly uptimeS?: number;
  readonly ring?: { readonly epoch: number; readonly nextSeq: number };
}

export interface GreetingHistory {
  /** The last greeting of each boot, the newest at the end. */
  readonly boots: readonly Greeting[];
  /** Sessions that a board has confirmed, with its hello, the newest at the end. */
  readonly sessions: readonly { readonly sid: number; readonly greeting: Greeting }[];
}

/** How many earlier boots and sessions of one device are remembered, and for how long (milliseconds). */
export const historyLimits = { entries: 16, forgetMs: 10 * 60_000 } as const;

export const emptyHistory: GreetingHistory = { boots: [], sessions: [] };

/** How far an uptime may be off: whole seconds, time on the way, and a clock that is 10 % wrong. Seconds. */
const slackOf = (elapsedS: number) => 5 + elapsedS / 10;

/**
 * Adds a hello to the history.
 * @returns the history with the hello, and the last hello of the other board if there are two
 */
export function greeted(
  history: GreetingHistory,
  now: Greeting,
): { readonly history: GreetingHistory; readonly rival?: Greeting } {
  const isRecent = (greeting: Greeting) => now.atMs - greeting.atMs < historyLimits.forgetMs;
  const sessions = history.sessions.filter(({ greeting }) => isRecent(greeting));
  const before = history.boots.filter(isRecent);
  const { replaces, rival } = compare({ boots: before, sessions }, now);
  const boots = [...before.filter((greeting) => greeting !== replaces), now].slice(-historyLimits.entries);
  return { history: { boots, sessions }, ...(rival ? { rival } : {}) };
}

/** The board on this connection has shown that it knows this session. */
export function confirmed(history: GreetingHistory, connection: number, sid: number): GreetingHistory {
  const greeting = history.boots.findLast((boot) => boot.connection === connection);
  if (!greeting) return history;
  const others = history.sessions.filter((session) => session.sid !== sid);
  return { ...history, sessions: [...others, { sid, greeting }].slice(-historyLimits.entries) };
}

/** @returns the greeting that the new one takes the place of, because it is of the same boot; the one of another board */
function compare(
  { boots, sessions }: GreetingHistory,
  now: Greeting,
): { readonly replaces?: Greeting | undefined; readonly rival?: Greeting } {
  const newest = boots.at(-1);
  if (!newest || newest.connection === now.connection) return { replaces: newest };
  const known = now.sid === 0 ? undefined : sessions.find(({ sid }) => sid === now.sid);
  const latest = sessions.at(-1);
  if (known && latest && known !== latest)
    return { replaces: boots.findLast((boot) => isSameBoot(boot, now)), rival: latest.greeting };
  if (!isSameBoot(newest, now)) {
    const earlier = boots.findLast((boot) => isSameBoot(boot, now) && mayGoOn(boot, now));
    return earlier ? { replaces: earlier, rival: newest } : {};
  }
  if (known) return { replaces: newest };
  return compareUptimes(boots, newest, now);
}

/** Of boards that cannot be told apart by hardware id and boot. */
function compareUptimes(
  boots: readonly Greeting[],
  newest: Greeting,
  now: Greeting,
): { readonly replaces?: Greeting; readonly rival?: Greeting } {
  if (goesOn(newest, now))
    return isBehindInReports(newest, now) && wasUp(newest, now) ? { rival: newest } : { replaces: newest };
  const earlier = boots.findLast((boot) => isSameBoot(boot, now) && goesOn(boot, now));
  if (earlier) return { replaces: earlier, rival: newest };
  return isBackwards(newest, now) ? {} : { replaces: newest };
}

/** Whether nothing that names a boot differs. */
function isSameBoot(before: Greeting, now: Greeting): boolean {
  return (
    before.hardwareId === now.hardwareId && before.boot === now.boot && before.ring?.epoch === now.ring?.epoch
  );
}

/** Whether the board may have run since: a board whose boot number begins again has a new uptime. */
function mayGoOn(before: Greeting, now: Greeting): boolean {
  if (before.uptimeS === undefined || now.uptimeS === undefined) return true;
  const elapsedS = (now.atMs - before.atMs) / 1000;
  return now.uptimeS >= before.uptimeS && now.uptimeS >= before.uptimeS + elapsedS - slackOf(elapsedS);
}

/** Whether the uptime is known to have advanced as time has. */
function goesOn(before: Greeting, now: Greeting): boolean {
  if (before.uptimeS === undefined || now.uptimeS === undefined) return false;
  const elapsedS = (now.atMs - before.atMs) / 1000;
  const advancedS = now.uptimeS - before.uptimeS;
  return advancedS >= 0 && Math.abs(advancedS - elapsedS) <= slackOf(elapsedS);
}

function isBackwards(before: Greeting, now: Greeting): boolean {
  return before.uptimeS !== undefined && now.uptimeS !== undefined && now.uptimeS < before.uptimeS;
}

/** Whether the board has not booted since: its uptime is longer than that. */
function wasUp(before: Greeting, { atMs, uptimeS = 0 }: Greeting): boolean {
  const elapsedS = (atMs - before.atMs) / 1000;
  return uptimeS > elapsedS + slackOf(elapsedS);
}

/** Whether the board has recorded fewer reports than one before it. */
function isBehindInReports(before: Greeting, now: Greeting): boolean {
  return (
    before.ring !== undefined && now.ring !== undefined && serialNewer(before.ring.nextSeq, now.ring.nextSeq)
  );
}
