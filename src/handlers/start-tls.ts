/**
 * Asking a directory to go on in TLS (StartTLS, RFC 4511 4.14). It is done here and not by the
 * package, whose reader keeps what came behind the clear answer and takes it for the beginning of
 * the first secure one, so that whoever sits on the path could say who is let in. Any thread.
 */
import { connect, type Socket } from "node:net";

/** Message 1: an extended request (0x77) whose name (0x80) is that of StartTLS. */
const REQUEST = Buffer.concat([
  Uint8Array.of(0x30, 29, 0x02, 1, 1, 0x77, 24, 0x80, 22),
  Buffer.from("1.3.6.1.4.1.1466.20037"),
]);
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const ENUMERATED = 0x0a;
const EXTENDED_RESPONSE = 0x78;
const LENGTH_BYTES_MAX = 4;
/** Of the answer, which has a code and perhaps some text. */
const ANSWER_BYTES_MAX = 4096;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/**
 * Resolves to a connection on which the directory takes TLS, and on which nothing was said but
 * that. It belongs to the caller, who begins with the handshake at once. Rejects if the directory
 * refuses, closes, says anything more, or takes longer than `ms`.
 */
export async function startTls(host: string, port: number, ms: number): Promise<Socket> {
  const socket = connect(port, host);
  const late = new Error("The directory has not made the connection secure in time");
  const timer = setTimeout(() => socket.destroy(late), ms);
  socket.on("error", () => {}); // who waits is told, here and later
  try {
    socket.write(REQUEST);
    await agreed(socket);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function agreed(socket: Socket): Promise<void> {
  return await new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const hear = (piece: Buffer): void => {
      bytes = Buffer.concat([bytes, piece]);
      try {
        if (!isAnswer(bytes)) return;
      } catch (error) {
        reject(error);
        return;
      }
      socket.off("data", hear);
      socket.pause(); // what comes now is for TLS
      resolve();
    };
    socket.on("data", hear);
    socket.once("error", reject);
    socket.once("close", () => {
      reject(new Error("The directory has closed the connection before it was secure"));
    });
  });
}

/** False: it has not come whole. Throws unless it says yes, and nothing else. */
function isAnswer(bytes: Buffer): boolean {
  const message = elementAt(bytes, 0);
  if (message === null) {
    if (bytes.length > ANSWER_BYTES_MAX) throw unclear("is too long");
    return false;
  }
  if (message.end !== bytes.length) throw unclear("has bytes behind it that are not secure");
  const id = elementAt(message.content, 0);
  const operation = id && elementAt(message.content, id.end);
  const code = operation && elementAt(operation.content, 0);
  if (
    message.tag !== SEQUENCE || id?.tag !== INTEGER || id.content.toString("hex") !== "01" ||
    operation?.tag !== EXTENDED_RESPONSE || code?.tag !== ENUMERATED || code.content.length !== 1
  ) {
    throw unclear("is none");
  }
  const result = code.content[0]!;
  if (result !== 0) {
    throw new Error(`The directory does not make the connection secure: result ${result}`);
  }
  return true;
}

/** Null: it has not come whole. */
function elementAt(bytes: Buffer, at: number): Element | null {
  if (bytes.length < at + 2) return null;
  let start = at + 2;
  let length = bytes[at + 1]!;
  if (length >= 0x80) { // so many bytes of length follow
    const count = length - 0x80;
    if (count === 0 || count > LENGTH_BYTES_MAX) throw unclear("is none");
    if (bytes.length < start + count) return null;
    length = bytes.readUIntBE(start, count);
    start += count;
  }
  const end = start + length;
  if (bytes.length < end) return null;
  return { tag: bytes[at]!, content: bytes.subarray(start, end), end };
}

function unclear(what: string): Error {
  return new Error(`The directory's answer to StartTLS ${what}`);
}
