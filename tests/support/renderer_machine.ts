import type { Renderer } from "../../src/renderer/renderer.ts";
import { type Machine, type MachineOptions, startMachine } from "./machine.ts";
import { RecordingRenderer } from "./recording_renderer.ts";
import { startRemote } from "./renderer/remote_machine.ts";

/** A machine whose device has a renderer. */
export interface RendererMachine<R extends Renderer> extends Machine {
  renderer: R;
}

let areRemote = false;

/** Puts the renderers of all machines that follow behind a `RemoteRenderer`: for test files that run others so. */
export function makeRenderersRemote(): void {
  areRemote = true;
}

/** Makes a machine with a renderer, blobs and UUIDs, whose driver has started the device. */
export async function startWithRenderer<R extends Renderer>(
  renderer: R,
  options: MachineOptions = {},
): Promise<RendererMachine<R>> {
  if (areRemote) {
    const machine = await startRemote(renderer, options);
    if (renderer instanceof RecordingRenderer) renderer.takeCalls(); // its capability sets were read
    return { ...machine, renderer };
  }
  return { ...await startMachine({ resourceUuid: true, ...options, renderer }), renderer };
}

/** Makes a machine whose renderer notes what it is asked. */
export function startRecording(options: MachineOptions = {}): Promise<RendererMachine<RecordingRenderer>> {
  return startWithRenderer(new RecordingRenderer(), options);
}
