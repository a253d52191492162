import { join } from "node:path";
import { GuestSerial, type SerialLine } from "../../../build/guest/guest_serial.ts";
import type { GuestImage } from "../../../build/guest/image.ts";
import type { Picture } from "../png.ts";
import { decodePpm } from "../ppm.ts";
import type { Program } from "./qemu_program.ts";
import { QmpClient } from "./qmp_client.ts";
import { VncClient } from "./vnc_client.ts";

/** How a machine is started. */
export interface QemuOptions {
  readonly program: Program;
  readonly image: GuestImage;
  /** The path of the image's kernel, as a bzImage or an ELF program. */
  readonly kernel: string;
  /** Where the back end listens. */
  readonly socketPath: string;
  /** The device that is connected to the back end, as QEMU's -device takes it, without its chardev. */
  readonly device: string;
  /** The machine, as QEMU's -machine takes it; a plain PC unless given. */
  readonly machine?: string;
  /** Whether the device's displays can be viewed, as `view` does; false unless given. QEMU 7.2 alone can do it. */
  readonly isViewed?: boolean;
}

const MEMORY = "256M";
const DEVICE_ID = "gpu";

/** A PC in QEMU, without KVM, with the guest of build/guest in it. `close` it when done. */
export class QemuMachine {
  readonly serial: GuestSerial;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #complaints: Promise<string>;
  readonly #viewers: VncClient[] = [];
  #qmp: QmpClient | undefined;

  /** Starts the machine and waits until its guest takes commands. virtio_gpu is not loaded then. */
  static async boot(options: QemuOptions): Promise<QemuMachine> {
    const folder = await Deno.makeTempDir({ prefix: "scanout-qemu-" });
    await Deno.writeFile(join(folder, "initramfs"), options.image.initramfs);
    const listener = Deno.listen({ transport: "unix", path: join(folder, "qmp") });
    const machine = new QemuMachine(options, folder);
    try {
      machine.#qmp = await machine.#whileAlive(listener.accept().then((connection) => QmpClient.greet(connection)));
      await machine.#whileAlive(machine.serial.ready());
    } catch (error) {
      await machine.kill();
      throw error;
    } finally {
      listener.close();
    }
    return machine;
  }

  private constructor(options: QemuOptions, folder: string) {
    const { command, args, env } = options.program;
    this.#folder = folder;
    this.#child = new Deno.Command(command, {
      args: [...args, ...machineArgs(options, folder)],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#complaints = new Response(this.#child.stderr).text();
    this.serial = new GuestSerial(serialLine(this.#child));
  }

  /** Runs a shell command in the guest that must succeed, and gives its output without the last line's end. */
  async output(command: string): Promise<string> {
    return (await this.#whileAlive(this.serial.output(command))).trimEnd();
  }

  /** What QEMU itself shows on a display of the device. */
  async screendump(head = 0): Promise<Picture> {
    const filename = join(this.#folder, "screen.ppm");
    await this.#execute("screendump", { filename, device: DEVICE_ID, head });
    return decodePpm(await Deno.readFile(filename));
  }

  /** Views the device's displays. The viewer goes with the machine. */
  async view(): Promise<VncClient> {
    const client = await VncClient.connect(vncPath(this.#folder));
    this.#viewers.push(client);
    return client;
  }

  /** Stops the processor and the device, and lets them go on. */
  async pause(): Promise<void> {
    await this.#execute("stop");
    await this.#execute("cont");
  }

  /** Plugs in more memory while the guest runs: so many bytes, a multiple of 128 MiB. The guest then may use it. */
  async plugMemory(sizeBytes: number): Promise<void> {
    await this.#execute("object-add", { "qom-type": "memory-backend-memfd", id: "more", size: sizeBytes, share: true });
    await this.#execute("device_add", { driver: "pc-dimm", id: "dimm", memdev: "more" });
  }

  /** Presses the machine's reset button. Resolves when the guest takes commands again. */
  async reset(): Promise<void> {
    const ready = this.serial.ready();
    await this.#execute("system_reset");
    await this.#whileAlive(ready);
  }

  /** Asks QEMU to end and waits for that. Gives what it has complained of. */
  async close(): Promise<string> {
    await this.#execute("quit").catch(() => {}); // it may end before it answers
    return await this.#ended();
  }

  /** Ends QEMU without a warning. Gives what it has complained of. */
  async kill(): Promise<string> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    return await this.#ended();
  }

  #execute(command: string, args?: Record<string, unknown>): Promise<unknown> {
    return this.#whileAlive(this.#qmp!.execute(command, args));
  }

  async #ended(): Promise<string> {
    await this.#child.status;
    this.serial.close();
    this.#qmp?.close();
    for (const viewer of this.#viewers) viewer.close();
    await Deno.remove(this.#folder, { recursive: true });
    return await this.#complaints;
  }

  /** Settles as `promise` does; rejects when QEMU ends first. */
  #whileAlive<T>(promise: Promise<T>): Promise<T> {
    const ended = this.#child.status.then(async ({ code, signal }) => {
      throw new Error(`QEMU has ended with ${signal ?? code}: ${await this.#complaints}`);
    });
    return Promise.race([promise, ended]);
  }
}

function machineArgs(
  { image, kernel, socketPath, device, machine = "pc", isViewed = false }: QemuOptions,
  folder: string,
): string[] {
  return [
    "-nodefaults -no-user-config -display none -accel tcg -cpu max -serial stdio".split(" "),
    ["-machine", `${machine},memory-backend=memory`, "-m", `${MEMORY},slots=1,maxmem=1G`],
    ["-object", `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
    ["-kernel", kernel, "-initrd", join(folder, "initramfs"), "-append", image.commandLine],
    ["-qmp", `unix:${join(folder, "qmp")}`],
    ["-chardev", `socket,id=back_end,path=${socketPath}`, "-device", `${device},id=${DEVICE_ID},chardev=back_end`],
    isViewed ? ["-vnc", `unix:${vncPath(folder)}`] : [],
  ].flat();
}

function vncPath(folder: string): string {
  return join(folder, "vnc");
}

/** QEMU's standard streams, which it was told to connect to the serial line. */
function serialLine({ stdin, stdout }: Deno.ChildProcess): SerialLine {
  const writer = stdin.getWriter();
  let hear: (text: string) => void = () => {};
  const read = async () => {
    for await (const text of stdout.pipeThrough(new TextDecoderStream("latin1"))) hear(text);
    writer.releaseLock();
    await stdin.close();
  };
  read().catch(() => {}); // the pipe is broken when QEMU was killed
  return {
    send: (text) => void writer.write(new TextEncoder().encode(text)),
    listen(onText) {
      hear = onText;
      return () => hear = () => {};
    },
  };
}
