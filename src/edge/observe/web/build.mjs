// Bundles the page into dist/ (or the directory given). The same sources give the same bytes.
import { build } from "esbuild";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const out = process.argv[2] ?? "dist";
const kGzipLimitBytes = 60 * 1024;

await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: "source/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2020"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  banner: { js: "/* forewarm (Apache-2.0), with Preact (MIT) and uPlot (MIT); licences of both: MIT */" },
  logLevel: "warning",
});
await copyFile("source/index.html", `${out}/index.html`);
await copyFile("source/favicon.svg", `${out}/favicon.svg`);

let total = 0;
for (const name of ["index.html", "app.js", "app.css", "favicon.svg"]) {
  total += gzipSync(await readFile(`${out}/${name}`), { level: 9 }).length;
}
console.log(`${(total / 1024).toFixed(1)} kB gzip of ${kGzipLimitBytes / 1024}`);
if (total > kGzipLimitBytes) {
  console.error("The page is too large.");
  process.exit(1);
}
