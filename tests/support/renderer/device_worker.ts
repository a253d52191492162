/** A Worker that has the device and its guest, and blocks whenever it waits for the renderer. */

import type { RendererConnection } from "../../../src/renderer/remote/connection.ts";
import { startBlocking, WITHOUT_EVENT_IDX } from "./blocking_machine.ts";
import { runRendererScene } from "./renderer_scene.ts";

/** What the Worker is told. */
export interface DeviceStart {
  readonly memory: WebAssembly.Memory;
  readonly connection: RendererConnection;
  /** How often the scene is played. */
  readonly times: number;
}

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<DeviceStart>) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

scope.onmessage = async ({ data: { memory, connection, times } }) => {
  const machine = await startBlocking(memory, connection);
  const scenes = [];
  for (let time = 0; time < times; time++) {
    scenes.push(runRendererScene(machine, 1));
    machine.driver.start(WITHOUT_EVENT_IDX); // resets the device
  }
  scope.postMessage({ scenes, fences: machine.remote.fenceCount });
  scope.close();
};
