import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

/** A response with its complete body. */
export interface WholeAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * Sends a request and collects its answer. undici's own `request` adds two streams, an AbortSignal and its listeners: a
 * third of the cost of a request in the gateway.
 * @throws the dispatcher's error, the signal's reason, or TimeoutError if the answer is not complete in time
 */
export function wholeAnswer(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<WholeAnswer> {
  const { timeoutMs, signal } = limits;
  return new Promise<WholeAnswer>((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const chunks: Buffer[] = [];
    let statusCode = 0;
    let headers: IncomingHttpHeaders = {};
    let started: Dispatcher.DispatchController | undefined;
    let given: Error | undefined;
    const ended = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    const giveUp = (reason: Error) => {
      ended();
      given = reason;
      // If no connection is free yet, there is nothing to abort until it gets one.
      started?.abort(reason);
      reject(reason);
    };
    const aborted = () => giveUp(signal?.reason as Error);
    const timer = setTimeout(() => {
      giveUp(new DOMException(`no complete answer within ${timeoutMs} ms`, "TimeoutError"));
    }, timeoutMs);
    timer.unref();
    signal?.addEventListener("abort", aborted, { once: true });
    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        started = controller;
        if (given) controller.abort(given);
      },
      onResponseStart(_controller, code, fields) {
        statusCode = code;
        headers = fields;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        ended();
        const [first] = chunks;
        const body = chunks.length === 1 && first ? first : Buffer.concat(chunks);
        resolve({ statusCode, headers, text: body.toString("utf8") });
      },
      onResponseError(_controller, error) {
        ended();
        reject(error);
      },
    });
  });
}
