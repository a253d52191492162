import { F_SETFL } from "../../src/hosts/deno/linux_abi.ts";
import { makeSocketPair } from "../../src/hosts/deno/unix_socket.ts";
import { FrontEndMachine } from "../../tests/support/vhost_front_end/front_end_machine.ts";
import type { BackEndProgram } from "./back_ends.ts";
import { DisplaySink } from "./display_sink.ts";

const PATIENCE_MILLISECONDS = 20_000;
/** LOG_ALL, which no driver accepts, and NOTIFY_ON_EMPTY, which Linux's does not. */
const WANTED: readonly [number, number] = [~(1 << 24 | 1 << 26) >>> 0, 0xffffffff];

/** A back end that runs, with a guest's driver at it. */
export class RunningBackEnd {
  readonly name: string;
  /** From the start of the program to its first reply. */
  readonly startMilliseconds: number;
  readonly machine: FrontEndMachine;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  /** Starts `program`, and connects as soon as that goes. Throws `Error` when it does not go for long. */
  static async start(program: BackEndProgram): Promise<RunningBackEnd> {
    const folder = Deno.makeTempDirSync({ prefix: "scanout-bench-" });
    const path = `${folder}/socket`;
    const { command, args, env } = program;
    const began = performance.now();
    const options: Deno.CommandOptions = {
      args: [...args, `--socket-path=${path}`],
      env,
      stdout: "null",
      stderr: "null",
    };
    const child = new Deno.Command(command, options).spawn();
    while (true) {
      try {
        const machine = new FrontEndMachine(path); // which asks for the features
        return new RunningBackEnd(program.name, child, folder, machine, performance.now() - began);
      } catch (error) {
        if (performance.now() - began < PATIENCE_MILLISECONDS) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          continue;
        }
        child.kill("SIGKILL");
        throw error;
      }
    }
  }

  private constructor(
    name: string,
    child: Deno.ChildProcess,
    folder: string,
    machine: FrontEndMachine,
    milliseconds: number,
  ) {
    this.name = name;
    this.#child = child;
    this.#folder = folder;
    this.machine = machine;
    this.startMilliseconds = milliseconds;
  }

  /** Brings the driver up, with a display socket, and returns the other end of that. */
  startDriver(): DisplaySink {
    const { libc, fds, frontEnd, driver } = this.machine;
    const [theirs, ours] = makeSocketPair(libc);
    for (const fd of [theirs, ours]) libc.calls.fcntl(fd, F_SETFL, 0); // calls wait, as at QEMU's sockets
    const sink = new DisplaySink(ours);
    frontEnd.setGpuSocket(theirs);
    fds.close(theirs);
    driver.start(WANTED);
    return sink;
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.machine.close();
    this.#child.kill("SIGKILL"); // QEMU's waits for more of the display socket now
    await this.#child.status;
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
