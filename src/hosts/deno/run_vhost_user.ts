import { startVhostUser, type VhostUserBackEnd, type VhostUserOptions } from "./vhost_user.ts";

/** Signals that end a back end as it should end. */
const SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** How long the back end has to end after a signal. */
const PATIENCE_MILLISECONDS = 5000;

/**
 * Runs a back end until its front end has gone (with `keep`, for ever), or the process is told to end by a signal; the
 * socket is removed then. `onStart` gets the back end as soon as it serves. Rejects with `Error` when it cannot start,
 * fails, or does not end after a signal: then the process must be ended by `Deno.exit`. The signals stay caught for what
 * the process still has to do: one that comes as the front end goes would change its exit status.
 */
export async function runVhostUser(
  options: VhostUserOptions,
  onStart: (backEnd: VhostUserBackEnd) => void = () => {},
): Promise<void> {
  const stuck = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let backEnd: VhostUserBackEnd | undefined;
  let isToldToEnd = false;
  let hasEnded = false;
  const onSignal = () => {
    isToldToEnd = true; // perhaps before it has started
    if (hasEnded || backEnd === undefined) return;
    backEnd.stop();
    timer ??= setTimeout(() => stuck.reject(new Error("The back end does not end")), PATIENCE_MILLISECONDS);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, onSignal);
  try {
    backEnd = await startVhostUser(options);
    onStart(backEnd);
    if (isToldToEnd) onSignal();
    await Promise.race([backEnd.ended, stuck.promise]);
  } finally {
    hasEnded = true;
    clearTimeout(timer);
  }
}
