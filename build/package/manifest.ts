/** What `package.json` is made from: deno.json, the one place for names, versions and entries. */
export interface DenoConfig {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** Reads deno.json at the project's root. */
export function denoConfig(): DenoConfig {
  return JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));
}

/** The package.json of the npm package, whose compiled files lie in lib/ and import the packages `dependencies`. */
export function manifest(config: DenoConfig, dependencies: readonly string[]): Record<string, unknown> {
  const { name, version, license } = config;
  return {
    name,
    version,
    description: "A virtio-gpu device for JavaScript hosts",
    keywords: ["virtio", "virtio-gpu", "emulator", "v86", "display"],
    license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    exports: {
      ...Object.fromEntries(Object.entries(config.exports).map(([entry, source]) => [entry, targets(source)])),
      "./scanout.min.js": "./scanout.min.js",
      "./package.json": "./package.json",
    },
    files: ["lib", "docs", "scanout.min.js", "CHANGELOG.md"],
    dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, range(dependency, config.imports)])),
  };
}

/** Where a TypeScript file of src/ lies in the package, without its extension. */
function compiled(source: string): string {
  return source.replace(/^\.\/src\//, "./lib/").replace(/\.ts$/, "");
}

function targets(source: string): { types: string; default: string } {
  return { types: `${compiled(source)}.d.ts`, default: `${compiled(source)}.js` }; // the first that fits is taken
}

/** The versions of a package that do: from the one that deno.json names to the next that may break. */
function range(dependency: string, imports: Readonly<Record<string, string>>): string {
  const version = /^npm:.+@(\d.*)$/.exec(imports[dependency] ?? "")?.[1];
  if (version === undefined) throw new Error(`Cannot depend on ${dependency}: deno.json names no version of it`);
  return `^${version}`;
}
