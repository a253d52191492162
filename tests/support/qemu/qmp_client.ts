/** What QEMU sends: its greeting, an event, or the answer to the command of this id. */
interface QmpMessage {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** The other end of QEMU's control socket. */
export class QmpClient {
  readonly #connection: Deno.Conn;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, (answer: QmpMessage) => void>();
  #lastId = 0;

  /** Takes over a connection that QEMU has made, and finishes the greeting. */
  static async greet(connection: Deno.Conn): Promise<QmpClient> {
    const client = new QmpClient(connection);
    await client.execute("qmp_capabilities");
    return client;
  }

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#writer = connection.writable.getWriter();
    this.#read().catch(() => {}); // QEMU was killed
  }

  /** Carries out a command and gives what it returns; rejects with QEMU's own words. */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<QmpMessage>();
    this.#waiting.set(id, resolve);
    await this.#writer.write(new TextEncoder().encode(JSON.stringify({ execute: command, arguments: args, id })));
    const answer = await promise;
    if (answer.error !== undefined) throw new Error(`QEMU does not carry out ${command}: ${answer.error.desc}`);
    return answer.return;
  }

  /** Closes the connection, if QEMU has not done so. */
  close(): void {
    try {
      this.#connection.close();
    } catch {
      // reading has noticed the end, and has closed it
    }
  }

  async #read(): Promise<void> {
    let line = "";
    for await (const text of this.#connection.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (line + text).split("\n");
      line = lines.pop()!;
      for (const message of lines) this.#hear(JSON.parse(message));
    }
  }

  #hear(message: QmpMessage): void {
    if (message.id === undefined) return;
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}
