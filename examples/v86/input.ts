import type { MachineCalls, MouseWants, PointerPlace } from "./machine_calls.ts";
import type { MonitorView } from "./monitor_view.ts";
import { scanCodes } from "./scan_codes.ts";

/** Pressed and let go together, without another key, they give the keyboard back. */
const LEAVE = ["ControlLeft", "AltLeft"];
const BUTTONS = [1, 4, 2]; // of MouseEvent.buttons: left, middle, right

/** Sends what the user does at the monitors to the machine. */
export class Input {
  readonly #machine: MachineCalls;
  readonly #monitors: readonly MonitorView[];
  readonly #keysDown = new Set<string>();
  #isLeaving = false;
  #wants: MouseWants = "nothing";

  /** Listens at once. The monitors stand side by side, as they do in the guest. */
  constructor(machine: MachineCalls, monitors: readonly MonitorView[]) {
    this.#machine = machine;
    this.#monitors = monitors;
    for (const monitor of monitors) {
      this.#listenToKeys(monitor.screen);
      this.#listenToMouse(monitor);
    }
    document.addEventListener("pointerlockchange", () => this.#lockChanged());
  }

  /** What the guest wants to know of the mouse. */
  set wants(wants: MouseWants) {
    this.#wants = wants;
    if (wants === "place") document.exitPointerLock();
    if (wants !== "place") this.#monitors.forEach((monitor) => monitor.isPointerHost = false);
  }

  #listenToKeys(screen: HTMLElement): void {
    const onKey = (event: KeyboardEvent) => {
      const isDown = event.type === "keydown";
      const codes = scanCodes(event.code, isDown);
      if (codes.length === 0) return;
      event.preventDefault();
      if (isDown) this.#keysDown.add(event.code);
      else this.#keysDown.delete(event.code);
      this.#machine.sendKeys(codes);
      if (isDown) {
        this.#isLeaving = LEAVE.every((key) => this.#keysDown.has(key)) && this.#keysDown.size === LEAVE.length;
      } else if (this.#isLeaving) this.#leave(screen);
    };
    screen.addEventListener("keydown", onKey);
    screen.addEventListener("keyup", onKey);
    screen.addEventListener("blur", () => { // their ends will be somebody else's
      for (const key of this.#keysDown) this.#machine.sendKeys(scanCodes(key, false));
      this.#keysDown.clear();
    });
  }

  #leave(screen: HTMLElement): void {
    this.#isLeaving = false;
    document.exitPointerLock();
    screen.blur();
  }

  #listenToMouse(monitor: MonitorView): void {
    const { screen } = monitor;
    screen.addEventListener("pointermove", (event) => this.#moved(monitor, event));
    screen.addEventListener("pointerdown", (event) => {
      screen.focus();
      const isLocked = document.pointerLockElement !== null;
      if (this.#wants === "moves" && !isLocked) return this.#lock(screen);
      if (!isLocked) screen.setPointerCapture(event.pointerId);
      this.#moved(monitor, event);
      this.#pressed(event);
    });
    screen.addEventListener("pointerup", (event) => this.#pressed(event));
    screen.addEventListener("pointerleave", () => monitor.isPointerHost = false);
    screen.addEventListener("contextmenu", (event) => event.preventDefault());
    screen.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.deltaY !== 0) this.#machine.turnWheel(-Math.sign(event.deltaY));
    }, { passive: false });
  }

  #lock(screen: HTMLElement): void {
    Promise.resolve(screen.requestPointerLock()).catch(() => {}); // a browser says no for a while after Esc
  }

  #moved(monitor: MonitorView, event: PointerEvent): void {
    const hasPlace = this.#wants === "place" && document.pointerLockElement === null;
    monitor.isPointerHost = hasPlace;
    const place = hasPlace ? this.#placeAmongAll(monitor, event) : undefined;
    if (event.type === "pointermove") this.#pressed(event); // a second button goes down as a move
    this.#machine.movePointer(place, event.movementX, event.movementY);
  }

  #pressed({ buttons }: PointerEvent): void {
    const [left, middle, right] = BUTTONS.map((button) => (buttons & button) !== 0);
    const key = buttons & 7;
    if (key === this.#buttons) return;
    this.#buttons = key;
    this.#machine.pressButtons(left!, middle!, right!);
  }
  #buttons = 0;

  #placeAmongAll(monitor: MonitorView, { clientX, clientY }: PointerEvent): PointerPlace {
    let [left, width, height] = [0, 0, 1];
    for (const other of this.#monitors) {
      if (other === monitor) left = width;
      width += other.shown === "gpu" ? other.size!.widthPixels : 0;
      height = Math.max(height, other.shown === "gpu" ? other.size!.heightPixels : 0);
    }
    const { x, y } = monitor.guestPlace(clientX, clientY);
    return { x: left + x, y, width: Math.max(1, width), height };
  }

  #lockChanged(): void {
    const locked = document.pointerLockElement;
    for (const monitor of this.#monitors) monitor.isGrabbed = monitor.screen === locked;
    this.#machine.lockPointer(locked !== null);
  }
}
