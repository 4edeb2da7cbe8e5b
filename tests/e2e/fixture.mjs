// Starts the invented server that the tests of the admin port look at.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

const kStartTimeoutMs = 60_000;

/** Resolves to {address, stop}. */
export function startFixture(port = 0) {
  const program = join(dirname(process.env.FOREWARM_PROGRAM ?? "../../build/release/forewarm"), "dashboard_fixture");
  const child = spawn(program, [String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} says no address`)), kStartTimeoutMs);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    child.stdout.once("data", (bytes) => {
      clearTimeout(timer);
      const stop = () => new Promise((done) => {
        child.removeAllListeners("exit");
        child.once("exit", done);
        child.kill("SIGTERM");
      });
      resolve({ address: bytes.toString().trim(), stop });
    });
  });
}
