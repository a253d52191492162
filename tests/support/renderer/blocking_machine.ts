import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { PciDriverTransport } from "../../../src/guest/pci_driver_transport.ts";
import type { RendererConnection } from "../../../src/renderer/remote/connection.ts";
import { RemoteRenderer } from "../../../src/renderer/remote/remote_renderer.ts";
import { type Machine, makeMachine } from "../machine.ts";

/** A machine whose renderer is on another thread, for which it waits by blocking its own. */
export interface BlockingMachine extends Machine {
  remote: RemoteRenderer;
  /** Whether a kick blocks until the device has interrupted the driver. */
  blocking: { isOn: boolean };
}

/** All features but VIRTIO_F_EVENT_IDX. */
export const WITHOUT_EVENT_IDX: readonly [number, number] = [0xdfffffff, 0xffffffff];

const PATIENCE_MILLISECONDS = 10_000;

/** Makes a machine over `memory` whose driver has started: a kick returns when the device has interrupted the driver. */
export async function startBlocking(
  memory: WebAssembly.Memory,
  connection: RendererConnection,
): Promise<BlockingMachine> {
  const remote = new RemoteRenderer(connection);
  const machine = await makeMachine({ memory, renderer: remote });
  const transport = new PciDriverTransport(machine.pci);
  const blocking = { isOn: true };
  const kick = transport.kick.bind(transport);
  transport.kick = (queue) => {
    kick(queue);
    if (!blocking.isOn) return;
    while (!machine.line.isAsserted) {
      if (!remote.wait(PATIENCE_MILLISECONDS)) throw new Error("The renderer's thread says nothing");
      remote.poll();
      for (const work of machine.deferred.splice(0)) work();
    }
    transport.takeInterrupt();
  };
  const driver = new GpuDriver(transport, machine.ram);
  driver.start(WITHOUT_EVENT_IDX); // each answer interrupts
  return { ...machine, driver, remote, blocking };
}
