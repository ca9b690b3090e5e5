/**
 * What the rig throws: something outside the test went wrong (a build, a child process, a deadline).
 * `code` says what, the message names the subject, what was expected and what came.
 */
export class RigError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RigError";
    this.code = code;
  }
}
