import { files } from "./session-files.ts";
import { byes, sessions } from "./session-greeting.ts";
import { reports } from "./session-reports.ts";
import { requests } from "./session-requests.ts";
import { streams } from "./session-streams.ts";

const note = [
  "Each script is played from a fresh device that started at 0. At each step the runner advances time to `at` (polls in between must send nothing), gives the one input (open: the channel opens; close: it closes; receive: a message; log: the application records a text report of level 1; tick: only time), polls, and compares everything sent, in order.",
  "hello carries exactly the keys 1, 2, 3, 8 (if the device has a ring) and 10 (uptimeS = floor(now / 1000)); a beat carries exactly uptimeS.",
  "Order within a step, a choice: what answers the input (response, credit) first; then beat; then reports; then streams, window updates before data, stderr before the stdout whose end tells the exit code.",
  "A credit's window, a choice: what the command could take now; for cat the free bytes of the stream's transmit buffer, also after its stdin has ended; for a command that reads no stdin rxWindowBytes. After the gateway's end no window update is sent.",
  "A retransmission timer starts with the first thing in flight (or with the blocking) and restarts with progress, not with each sending. Retransmitted data is divided again: as many bytes as are buffered and allowed, in one message (after losses a sender may cut shorter; no script has it cut below 96 bytes).",
  "uptimeS of a repeated hello is not pinned: repetitions stay within one second. Nor are: the output of help and uptime, the exit code after a signal, how many reports a ring of logRingBytes holds, whether NO_SESSION before a welcome comes from a stale attempt.",
  "A device with fileBytes keeps files in this much space, at first none; a file that is being written takes space in addition to the one that it replaces. file-write takes all that comes at once: its window is rxWindowBytes. The mode of a directory is 0755.",
  "A gap counts in the report window as its sequence numbers; the script uses a window of 1, where it makes no difference.",
];

const scripts = [...sessions, ...byes, ...requests, ...reports, ...streams, ...files];

/**
 * The content of vectors/session-device.json: conversations that every device implementation has to hold (SPEC §5, §6).
 * What is expected is reasoned from the SPEC by hand, never recorded from an implementation.
 */
export const sessionVectors = (): string => sessionText(note, scripts);

/** A file of scripted sessions: one step a line. */
export function sessionText(
  notes: readonly string[],
  scripted: readonly { readonly steps: readonly object[] }[],
): string {
  const lines = scripted.map(({ steps, ...head }) => {
    const headText = JSON.stringify(head).slice(0, -1);
    return `    ${headText}, "steps": [\n${steps.map((step) => `      ${JSON.stringify(step)}`).join(",\n")}\n    ]}`;
  });
  const noteText = JSON.stringify(notes, null, 4).replace(/\n\]$/, "\n  ]");
  return `{\n  "note": ${noteText},\n  "scripts": [\n${lines.join(",\n")}\n  ]\n}\n`;
}
