/* What a test reads with; the extension itself runs in browsers and knows no Node. */
declare module 'node:fs' {
  export function readFileSync(path: string, encoding: string): string;
  export function readdirSync(
    path: string,
    options: { withFileTypes: true }
  ): { name: string; isDirectory(): boolean }[];
}
declare module 'node:path' {
  export function join(...parts: string[]): string;
}
