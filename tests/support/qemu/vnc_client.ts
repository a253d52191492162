/** A cursor that a VNC server has sent, its pixels premultiplied RGBA. */
export interface VncCursor {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly hotspotX: number;
  readonly hotspotY: number;
  readonly rgba: Uint8Array;
}

const VERSION = "RFB 003.008\n";
const NO_AUTHENTICATION = 1;
const SET_ENCODINGS = 2;
const KEY_EVENT = 4;
const SET_DESKTOP_SIZE = 251;
const FRAMEBUFFER_UPDATE = 0;
const EXTENDED_DESKTOP_SIZE = -308;
const ALPHA_CURSOR = -314;
const CONTROL_KEY = 0xffe3;
const ALT_KEY = 0xffe9;
const DIGIT_ONE_KEY = 0x31;

/**
 * A viewer of a machine in QEMU, at first of its first display: it sees cursors, and says what size it would like the display to have. It asks for no
 * pixels, so none are sent. The protocol is RFC 6143 with two of its registered extensions.
 */
export class VncClient {
  /** The cursor that was sent last. */
  cursor: VncCursor | undefined;

  readonly #connection: Deno.Conn;
  readonly #reader: ReadableStreamBYOBReader;

  /** Connects to a server's socket at `path`. */
  static async connect(path: string): Promise<VncClient> {
    const client = new VncClient(await Deno.connect({ transport: "unix", path }));
    await client.#greet();
    client.#readUpdates().catch(() => {}); // the connection is closed
    return client;
  }

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#reader = connection.readable.getReader({ mode: "byob" });
  }

  /** Views another of the machine's displays from now on, as Ctrl-Alt-1 to Ctrl-Alt-9 do. */
  async select(display: number): Promise<void> {
    const keys = [CONTROL_KEY, ALT_KEY, DIGIT_ONE_KEY + display];
    for (const key of keys) await this.#pressKey(key, true);
    for (const key of keys.reverse()) await this.#pressKey(key, false);
  }

  /** Asks for another size; 0x0 is taken as no interest in the display. QEMU tells its device of it at once. */
  async setDesktopSize(widthPixels: number, heightPixels: number): Promise<void> {
    const message = new DataView(new ArrayBuffer(8 + 16));
    message.setUint8(0, SET_DESKTOP_SIZE);
    message.setUint16(2, widthPixels);
    message.setUint16(4, heightPixels);
    message.setUint8(6, 1); // one screen, at 0,0, which is all of it
    message.setUint16(16, widthPixels);
    message.setUint16(18, heightPixels);
    await this.#send(new Uint8Array(message.buffer));
  }

  /** Closes the connection, if QEMU has not done so. */
  close(): void {
    try {
      this.#connection.close();
    } catch {
      // it is closed
    }
  }

  async #pressKey(key: number, isDown: boolean): Promise<void> {
    const message = new DataView(new ArrayBuffer(8));
    message.setUint8(0, KEY_EVENT);
    message.setUint8(1, Number(isDown));
    message.setUint32(4, key);
    await this.#send(new Uint8Array(message.buffer));
  }

  async #greet(): Promise<void> {
    await this.#take(VERSION.length);
    await this.#send(new TextEncoder().encode(VERSION));
    const { [0]: kinds } = await this.#take(1);
    await this.#take(kinds!);
    await this.#send(Uint8Array.of(NO_AUTHENTICATION));
    await this.#take(4); // the result
    await this.#send(Uint8Array.of(1)); // others may look too
    const serverInit = await this.#view(24);
    await this.#take(serverInit.getUint32(20)); // the name
    const encodings = new DataView(new ArrayBuffer(4 + 8));
    encodings.setUint8(0, SET_ENCODINGS);
    encodings.setUint16(2, 2);
    encodings.setInt32(4, EXTENDED_DESKTOP_SIZE);
    encodings.setInt32(8, ALPHA_CURSOR);
    await this.#send(new Uint8Array(encodings.buffer));
  }

  async #readUpdates(): Promise<void> {
    while (true) {
      const header = await this.#view(4);
      if (header.getUint8(0) !== FRAMEBUFFER_UPDATE) throw new Error(`Cannot read VNC message ${header.getUint8(0)}`);
      for (let rest = header.getUint16(2); rest > 0; rest--) await this.#readRectangle();
    }
  }

  async #readRectangle(): Promise<void> {
    const header = await this.#view(12);
    const [x, y, width, height] = [0, 2, 4, 6].map((offset) => header.getUint16(offset)) as [
      number,
      number,
      number,
      number,
    ];
    const encoding = header.getInt32(8);
    if (encoding === EXTENDED_DESKTOP_SIZE) {
      const { [0]: screens } = await this.#take(4);
      await this.#take(screens! * 16);
    } else if (encoding === ALPHA_CURSOR) {
      await this.#take(4); // its pixels' encoding: raw
      const rgba = rgbaOf(await this.#take(width * height * 4));
      this.cursor = { widthPixels: width, heightPixels: height, hotspotX: x, hotspotY: y, rgba };
    } else {
      throw new Error(`Cannot read VNC encoding ${encoding}`);
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  async #take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length === 0) return new Uint8Array();
    const { value, done } = await this.#reader.read(new Uint8Array(length), { min: length });
    if (done) throw new Error("The VNC server has gone");
    return value;
  }

  async #view(length: number): Promise<DataView> {
    return new DataView((await this.#take(length)).buffer);
  }
}

/** Words of 0xaarrggbb, as bytes that begin with the lowest, as bytes that begin with red. */
function rgbaOf(bgra: Uint8Array): Uint8Array {
  const rgba = bgra.slice();
  for (let at = 0; at < rgba.length; at += 4) [rgba[at], rgba[at + 2]] = [bgra[at + 2]!, bgra[at]!];
  return rgba;
}
