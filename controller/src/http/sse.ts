// One answer as server-sent events (WHATWG HTML, 9.2): encoding, heartbeat, and an end for readers that do not keep up.
const encoder = new TextEncoder();
/** A reader with more than this waiting will not come back into step: it is cut, and resumes by Last-Event-ID. */
const maxBufferedBytes = 8 * 1024 * 1024;
const heartbeatMs = 15_000;

export interface SseMessage {
  event: string;
  id: string;
  data: string;
}

export interface SseStream {
  body: ReadableStream<Uint8Array>;
  send(message: SseMessage): void;
  /** Ends the answer; safe to call twice. */
  close(): void;
}

/** `onClose` is called once, whoever ended the stream. On `slow` it must cut the connection, which frees the buffer. */
export function createSseStream(onClose: (why: "server" | "reader" | "slow") => void): SseStream {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let open = true;
  const end = (why: "server" | "reader" | "slow") => {
    if (!open) return;
    open = false;
    clearInterval(heartbeat);
    if (why === "server") controller.close();
    onClose(why);
  };
  const write = (text: string) => {
    if (!open) return;
    controller.enqueue(encoder.encode(text));
    if ((controller.desiredSize ?? 0) < 0) end("slow");
  };
  const heartbeat = setInterval(() => write(":\n\n"), heartbeatMs);
  const body = new ReadableStream<Uint8Array>(
    {
      start(c) {
        controller = c;
      },
      cancel: () => end("reader"),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxBufferedBytes }),
  );
  return {
    body,
    send: ({ event, id, data }) => write(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`),
    close: () => end("server"),
  };
}
