/**
 * The tests of the C SDK that need no host, on an AVR: there int and pointers have 16 bits, and double has 32. All but
 * the longest counts, which take minutes there, and are for `make soak`.
 */
process.env.MOTELET_MACHINE = "avr";

for (const suite of [
  "codec-vectors",
  "argument-vectors",
  "session-vectors",
  "clock",
  "files",
  "programs",
  "reconnect",
  "refusals",
  "reports",
  "wide-numbers",
])
  await import(`../${suite}.test.ts`);
