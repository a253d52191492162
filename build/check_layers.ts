/**
 * Keeps the folders apart, files short and machines out: `deno task layers`.
 *
 * FOLDERS is the import table of the project. A folder may always import itself.
 */

/** A file of the project: its path from the root, with slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

interface Folder {
  /** How the paths of its files start; a file belongs to the first folder of the table that fits. */
  readonly path: string;
  /** What its files may import. */
  readonly imports: readonly string[];
  /** What its files may import with `import type` alone. */
  readonly types?: readonly string[];
  /** Imports from outside of the project: of packages (`npm:`) or of the runtime (`node:`). */
  readonly outside?: readonly string[];
}

const SNAPSHOT = "src/snapshot/";
const SERVICES = ["src/protocol/", "src/wasm/", "src/memory/"];
const CORE = [...SERVICES, SNAPSHOT, "src/virtio/", "src/transport/", "src/device/", "src/renderer/", "src/display/"];
const OUTSIDE = ["npm:", "jsr:", "node:"];
const TOP_FOLDERS = ["src/", "assembly/", "build/", "tests/", "bench/", "examples/"];

const FOLDERS: readonly Folder[] = [
  { path: "assembly/", imports: [] },
  { path: "src/protocol/", imports: [] },
  { path: "src/wasm/", imports: [] },
  { path: SNAPSHOT, imports: [] },
  { path: "src/memory/", imports: ["src/wasm/", "src/protocol/"] },
  { path: "src/virtio/", imports: ["src/memory/", "src/wasm/", SNAPSHOT] },
  { path: "src/transport/", imports: ["src/virtio/", "src/memory/", SNAPSHOT] },
  {
    path: "src/device/",
    imports: [...SERVICES, "src/virtio/", SNAPSHOT],
    types: ["src/renderer/renderer.ts", "src/display/display.ts"],
  },
  { path: "src/renderer/", imports: SERVICES },
  { path: "src/display/png", imports: [...SERVICES, "src/display/"], outside: ["npm:"] },
  { path: "src/display/", imports: SERVICES },
  { path: "src/hosts/deno/", imports: [...CORE, "src/hosts/"], outside: ["node:"] },
  { path: "src/hosts/", imports: CORE },
  { path: "src/guest/", imports: ["src/protocol/wire.gen.ts", "src/virtio/virtio.gen.ts"] },
  { path: "src/cli/", imports: ["src/", "build/"], outside: OUTSIDE },
  { path: "src/mod.ts", imports: CORE },
  { path: "build/", imports: TOP_FOLDERS, outside: OUTSIDE },
  { path: "tests/", imports: TOP_FOLDERS, outside: OUTSIDE },
  { path: "bench/", imports: TOP_FOLDERS, outside: OUTSIDE },
  { path: "examples/", imports: TOP_FOLDERS, outside: OUTSIDE },
];

const CHECKED = /\.(ts|js|json|md|sh|c|h|html)$|^\.ci\//; // the files that people write
const MAX_LINES = 400;
const SHORT_FOLDERS = /^(src|assembly)\//;

// Somebody's home folder or checkout, at the start of a word: docs/work/ is none.
const MACHINE_PATH = /(?:^|[\s"'`(=:])(\/(?:home|root|work|Users)\/[\w.-]+)/m;

/** Everything that is wrong with `files`, one message each; `importMap` is `imports` of deno.json. */
export function checkLayers(files: readonly SourceFile[], importMap: Record<string, string>): string[] {
  return files.flatMap((file) => [
    ...checkLength(file),
    ...checkMachinePaths(file),
    ...checkImports(file, importMap),
  ]);
}

function checkLength({ path, text }: SourceFile): string[] {
  if (!SHORT_FOLDERS.test(path) || path.endsWith(".gen.ts")) return [];
  const lines = text.trimEnd().split("\n").length;
  return lines <= MAX_LINES ? [] : [`${path} has ${lines} lines, at most ${MAX_LINES} can be read in one go: split it`];
}

function checkMachinePaths({ path, text }: SourceFile): string[] {
  const found = MACHINE_PATH.exec(text);
  return found ? [`${path} names ${found[1]}, a path of one machine: take it out`] : [];
}

function checkImports(file: SourceFile, importMap: Record<string, string>): string[] {
  if (!file.path.endsWith(".ts")) return [];
  const folder = FOLDERS.find(({ path }) => file.path.startsWith(path));
  if (folder === undefined) return [`${file.path} is in no folder of the import table: add its folder`];
  return importsOf(file.text).flatMap(({ specifier, isType }) => {
    const target = resolveImport(file.path, specifier, importMap);
    if (isAllowed(folder, target, isType)) return [];
    return [`${file.path} imports ${specifier}: ${folder.path} may import ${describe(folder)}`];
  });
}

function isAllowed(folder: Folder, target: string, isType: boolean): boolean {
  const startsTarget = (path: string) => target.startsWith(path);
  if (/^\w+:/.test(target)) return (folder.outside ?? []).some(startsTarget);
  if (folder.imports.some(startsTarget) || target.startsWith(folder.path)) return true;
  return isType && (folder.types ?? []).some(startsTarget);
}

function describe({ imports, types = [], outside = [] }: Folder): string {
  const allowed = [...imports, ...types.map((path) => `types of ${path}`), ...outside];
  return allowed.length === 0 ? "nothing but itself" : `itself, ${allowed.join(", ")}`;
}

/** The imports and re-exports of a file as `deno fmt` writes them: statements start a line, names are quoted by ". */
function importsOf(text: string): { specifier: string; isType: boolean }[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^"'`;]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = text.matchAll(/^(?!\s*(?:\*|\/\/)).*\bimport\("([^"]+)"/gm);
  return [
    ...[...statements].map((match) => ({ specifier: match[2]!, isType: match[1] !== undefined })),
    ...[...calls].map((match) => ({ specifier: match[1]!, isType: false })),
  ];
}

/** A path from the root for a file of the project, else a URL; a bare name that deno.json does not map is a package. */
function resolveImport(from: string, specifier: string, importMap: Record<string, string>): string {
  const mapped = importMap[specifier];
  if (mapped !== undefined) return resolveImport("deno.json", mapped, {});
  if (/^\w+:/.test(specifier)) return specifier;
  if (!specifier.startsWith(".")) return `npm:${specifier}`;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function readProject(): SourceFile[] {
  const git = new Deno.Command("git", { args: ["ls-files", "-z", "-co", "--exclude-standard"] });
  const { success, stdout } = git.outputSync();
  if (!success) throw new Error("Cannot list the project's files: git ls-files failed");
  const paths = new TextDecoder().decode(stdout).split("\0").filter((path) => CHECKED.test(path));
  return paths.filter(isThere).map((path) => ({ path, text: Deno.readTextFileSync(path) }));
}

/** Whether a file that git knows has not been deleted. */
function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const files = readProject();
  const problems = checkLayers(files, JSON.parse(Deno.readTextFileSync("deno.json")).imports);
  for (const problem of problems) console.error(problem);
  console.log(`${files.length} files, ${problems.length} problems`);
  Deno.exit(problems.length === 0 ? 0 : 1);
}
