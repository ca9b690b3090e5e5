/** The request is valid, but the machine cannot do it now; `code` says what failed, and the message names it. */
export class UnavailableError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "UnavailableError";
    this.code = code;
  }
}

/** An invalid option: correct it, do not repeat it. */
export class OptionError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "OptionError";
    this.code = code;
  }
}
