/** How the specification's names are written in the generated files. */

/** `RESOURCE_CREATE_2D` and `resource_create_2d` as `ResourceCreate2d`; channel orders such as `B8G8R8A8` stay as they are. */
export function pascalCase(name: string): string {
  return name.split("_").map((word) => {
    if (/^([A-Z][0-9])+$/.test(word)) return word;
    return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
  }).join("");
}

/** `fence_id` as `fenceId`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** A number as the specification writes command numbers: `0x0101`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, "0")}`;
}
