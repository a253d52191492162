import { join } from "node:path";

/** Thrown where apt-get, apt-cache or dpkg-deb is not on the machine, so that no Debian package can be fetched. */
export class AptMissingError extends Error {
  override name = "AptMissingError";

  constructor(program: string) {
    super(`Cannot fetch the guest's packages: ${program} is not on this machine`);
  }
}

/** Thrown where apt is there but a package could not be had: no network, or no source that offers it. */
export class GuestPackageError extends Error {
  override name = "GuestPackageError";
}

const PROGRAMS = ["apt-get", "apt-cache", "dpkg-deb"];
const SYSTEM_SOURCES = "/etc/apt/sources.list";
const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A processor that Debian makes packages for, by Debian's name. */
export type Architecture = "i386" | "amd64";

/** Receives how much of all packages has arrived, in bytes. */
export type OnDownload = (receivedBytes: number, totalBytes: number) => void;

/**
 * Fetches and unpacks Debian packages for one architecture with no root and without touching the system's apt: the
 * package lists, the state and the cache lie in `folder`, which must exist and is the caller's to delete. Only the
 * configured sources and their keys are read from the system.
 */
export class PrivateApt {
  readonly #folder: string;
  readonly #architecture: Architecture;
  #updateErrors = "";

  private constructor(folder: string, architecture: Architecture) {
    this.#folder = folder;
    this.#architecture = architecture;
  }

  /** Writes the configuration into `folder`. Nothing is fetched yet. Throws `AptMissingError`. */
  static async create(folder: string, architecture: Architecture): Promise<PrivateApt> {
    for (const program of PROGRAMS) await run(program, ["--version"], folder);
    await Deno.mkdir(join(folder, "lists", "partial"), { recursive: true });
    await Deno.mkdir(join(archivesOf(folder), "partial"), { recursive: true });
    await Deno.writeTextFile(join(folder, "status"), "");
    await Deno.writeTextFile(join(folder, "sources.list"), await Deno.readTextFile(SYSTEM_SOURCES).catch(() => ""));
    await Deno.writeTextFile(join(folder, "apt.conf"), configuration(folder, architecture));
    return new PrivateApt(folder, architecture);
  }

  /**
   * Fetches the package lists. A source that fails is left out, as apt does: what it would have offered is missed,
   * and told, when a package is asked for.
   */
  async update(): Promise<void> {
    const { errors } = await this.#apt("apt-get", ["update"]);
    this.#updateErrors = errors;
  }

  /**
   * Asks for one more suite, such as `bookworm-backports`, where the configured sources find Debian itself, and fetches its
   * list. Call `update` first. Throws `GuestPackageError` when no source is Debian's.
   */
  async addSuite(suite: string): Promise<void> {
    const filters = ["Created-By: Packages", "Origin: Debian", "Label: Debian"]; // the label leaves debian-security out
    const { output, errors } = await this.#apt("apt-get", ["indextargets", "--format", "$(REPO_URI)", ...filters]);
    const mirror = /^\S+$/m.exec(output)?.[0];
    if (mirror === undefined) throw this.#failure(`Cannot find a mirror for ${suite}`, errors);
    const line = `deb [signed-by=${DEBIAN_KEYRING}] ${mirror} ${suite} main\n`;
    await Deno.writeTextFile(join(this.#folder, "sources.list"), `\n${line}`, { append: true });
    await this.update();
  }

  /** The first package that `name` depends on; a metapackage such as `linux-image-686` names the real one so. */
  async firstDependency(name: string): Promise<string> {
    const { output, errors } = await this.#apt("apt-cache", ["depends", name]);
    const dependency = /^ *Depends: ([^\s<>]+)$/m.exec(output)?.[1];
    if (dependency === undefined) throw this.#failure(`Cannot find the ${this.#architecture} package ${name}`, errors);
    return dependency;
  }

  /** Downloads `names`; they lie in the folder afterwards, checked by apt against the signed lists. */
  async download(names: readonly string[], onDownload: OnDownload): Promise<void> {
    const list = await this.#apt("apt-get", ["--print-uris", "download", ...names]);
    const totalBytes = [...list.output.matchAll(/ (\d+) \w+:[0-9a-f]+$/gm)]
      .reduce((sum, match) => sum + Number(match[1]), 0);
    const onLine = (line: string) => {
      const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
      if (percent !== undefined) onDownload(Math.round(Number(percent) / 100 * totalBytes), totalBytes);
    };
    const { isOk, errors } = await this.#apt("apt-get", ["-o", "APT::Status-Fd=1", "download", ...names], onLine);
    if (!isOk) throw this.#failure(`Cannot download ${names.join(", ")}`, errors);
  }

  /** Downloads the package `name` and everything that it depends on, as `suite` has them, down to the C library. */
  async downloadClosure(name: string, suite: string): Promise<void> {
    const options = ["--download-only", "--no-install-recommends", "--yes", "--target-release", suite];
    const { isOk, errors } = await this.#apt("apt-get", ["install", ...options, name]);
    if (!isOk) throw this.#failure(`Cannot download ${name} and what it depends on`, errors);
  }

  /** Unpacks every downloaded package into `target`, without running any of their scripts. */
  async unpack(target: string): Promise<void> {
    const archives = archivesOf(this.#folder);
    for await (const { name } of Deno.readDir(archives)) {
      if (!name.endsWith(".deb")) continue;
      const { isOk, errors } = await run("dpkg-deb", ["-x", join(archives, name), target], archives);
      if (!isOk) throw this.#failure(`Cannot unpack ${name}`, errors);
    }
  }

  #apt(program: string, args: readonly string[], onLine?: (line: string) => void): Promise<ProgramResult> {
    return run(program, ["-q", "-c", join(this.#folder, "apt.conf"), ...args], archivesOf(this.#folder), onLine);
  }

  #failure(what: string, errors: string): GuestPackageError {
    return new GuestPackageError(`${what}: ${(errors + this.#updateErrors).trim() || "apt gave no reason"}`);
  }
}

/** Where packages are downloaded to: `apt-get download` puts them into its working directory. */
function archivesOf(folder: string): string {
  return join(folder, "archives");
}

// The hooks are cleared because a machine's own ones clean the system's package cache or wake services.
// The sandbox user is root because apt's own user cannot write into a private folder.
function configuration(folder: string, architecture: Architecture): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::State "${folder}";
Dir::State::lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}";
Dir::Cache::archives "${archivesOf(folder)}";
`;
}

interface ProgramResult {
  readonly isOk: boolean;
  readonly output: string;
  readonly errors: string;
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  onLine?: (line: string) => void,
): Promise<ProgramResult> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      cwd,
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new AptMissingError(program);
    throw error;
  }
  const errors = new Response(child.stderr).text();
  let output = "";
  let unfinished = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (onLine === undefined) continue;
    const lines = (unfinished + text).split("\n");
    unfinished = lines.pop()!;
    lines.forEach(onLine);
  }
  const { success } = await child.status;
  return { isOk: success, output, errors: await errors };
}
