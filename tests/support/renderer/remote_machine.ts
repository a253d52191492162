import { RemoteRenderer } from "../../../src/renderer/remote/remote_renderer.ts";
import { RendererServer, type RendererServerOptions } from "../../../src/renderer/remote/renderer_server.ts";
import type { Renderer } from "../../../src/renderer/renderer.ts";
import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { PciDriverTransport } from "../../../src/guest/pci_driver_transport.ts";
import { type Machine, type MachineOptions, makeMachine, makeMemory } from "../machine.ts";

/** A machine whose renderer is served on the same thread, and works when it is told to. */
export interface RemoteMachine<R extends Renderer> extends Machine {
  /** The renderer that is served. */
  reference: R;
  remote: RemoteRenderer;
  server: RendererServer;
  /** Whether a kick lets both sides work until nothing is left to do. */
  stepping: { isOn: boolean };
  /** Lets both sides, and what the device has put off, work until nothing is left to do. */
  step(): void;
}

/** How a machine with a remote renderer differs from the usual one. */
export interface RemoteMachineOptions extends MachineOptions, RendererServerOptions {}

/** Makes a machine whose device has `reference` behind a remote renderer, and whose driver has started it. */
export async function startRemote<R extends Renderer>(
  reference: R,
  options: RemoteMachineOptions = {},
): Promise<RemoteMachine<R>> {
  const { ringBytes, heapBytes, tell, ...machineOptions } = options;
  const memory = makeMemory(true, options.ramBytes);
  const serverOptions = { ...(ringBytes && { ringBytes }), ...(heapBytes && { heapBytes }), ...(tell && { tell }) };
  const server = await RendererServer.create(memory, reference, serverOptions);
  const remote = new RemoteRenderer(server.connection);
  const machine = await makeMachine({ resourceUuid: true, ...machineOptions, memory, renderer: remote });
  const step = () => work(machine, remote, server);
  const stepping = { isOn: true };
  const transport = new PciDriverTransport(machine.pci);
  const kick = transport.kick.bind(transport);
  transport.kick = (queue) => {
    kick(queue);
    if (stepping.isOn) step();
  };
  const driver = new GpuDriver(transport, machine.ram);
  driver.start();
  return { ...machine, driver, reference, remote, server, stepping, step };
}

/** So often may one side wake the other before it counts as endless. */
const MAX_ROUNDS = 1000;

function work({ deferred }: Machine, remote: RemoteRenderer, server: RendererServer): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    while (server.serve());
    remote.poll();
    const bell = server.bell;
    for (const work of deferred.splice(0)) work();
    if (deferred.length === 0 && server.bell === bell && round > 1) return;
  }
  throw new Error("The two sides come to no end");
}
