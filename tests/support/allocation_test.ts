/** Set for a test that is tried again, in a process of its own. */
const AGAIN = "SCANOUT_ALLOCATION_AGAIN";
const ATTEMPTS = 3;

/**
 * A test of the file `url` that code allocates nothing. Whether it does is also the engine's choice: what it inlines, and so
 * whether it boxes a number to pass it on, follows from when its compiler thread had a turn. So a test that fails is tried
 * again, each time by an engine that has run nothing else; code that does allocate fails by every one.
 */
export function allocationTest(url: string, name: string, test: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    try {
      await test();
    } catch (error) {
      if (Deno.env.has(AGAIN) || !await passesAgain(url, name)) throw error;
    }
  });
}

async function passesAgain(url: string, name: string): Promise<boolean> {
  const args = ["test", "-A", "--no-check", "--filter", name, url];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const deno = new Deno.Command(Deno.execPath(), { args, env: { [AGAIN]: "1" }, stdout: "null", stderr: "null" });
    if ((await deno.output()).success) return true;
  }
  return false;
}
